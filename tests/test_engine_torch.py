"""Engine torch: custom functions, modules, both modes, complex numbers; faults are caught in the input they are in."""

import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="engine torch needs PyTorch: pip install 'gradaudit[torch]'")

from torch.utils.checkpoint import checkpoint  # noqa: E402

import gradaudit  # noqa: E402 - only where torch is there
from gradaudit import engines  # noqa: E402
from gradaudit.auditor import audit_case  # noqa: E402
from gradaudit.engines import EngineError  # noqa: E402
from gradaudit.engines import torch as engine  # noqa: E402
from gradaudit.engines._arguments import Arguments  # noqa: E402
from gradaudit.engines._torch_forward import forwards_alone  # noqa: E402
from gradaudit.engines._trees import Layout, Tree  # noqa: E402
from gradaudit.plan import make_plan  # noqa: E402
from gradaudit.plan.case import Case, Drawn, Given, Input, Target  # noqa: E402
from gradaudit.suite import load_suite  # noqa: E402
from tests import torch_functions as functions  # noqa: E402

RNG = np.random.default_rng(5)
X, W, B = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3)), RNG.normal(size=3)
Z = RNG.normal(size=4) + 1j * RNG.normal(size=4)


def audit(function, *inputs, checks=("vjp",)):
    return gradaudit.audit(function, *inputs, checks=list(checks), engine="torch")


def load(function, claims=None, **options):
    names = tuple((kind, "somewhere") for kind in claims or {})
    return engine.load(Target("here:f", names, kwargs=tuple(options.items())), function, claims or {})


def notes(verdict):
    return " | ".join(verdict.notes)


# what is right passes, in every mode that exists


@pytest.mark.parametrize("checks", [("vjp",), ("gradient", "hvp")])
def test_a_right_custom_function_passes(checks):
    verdict = audit(functions.Scale.apply, X, W, B, checks=checks)
    assert verdict.status == "pass"
    assert verdict.engine == "torch"


@pytest.mark.parametrize("check", ["vjp", "jvp", "gradient", "hvp"])
def test_a_function_of_torch_passes_in_both_modes_and_twice(check):
    assert audit(lambda x, w: torch.tanh(x @ w.T).exp(), X, W, checks=[check]).status == "pass"


def test_a_second_derivative_that_torch_holds_as_a_zero_without_memory_passes():
    assert audit(torch.abs, np.array([1.5, -2.0, 3.0]), checks=["hvp"]).status == "pass"


def test_a_custom_function_with_both_modes_passes():
    verdict = audit(functions.CubeForward.apply, X, checks=["vjp", "jvp", "gradient", "hvp"])
    assert verdict.status == "pass"
    assert not verdict.notes


# planted faults are caught, where they are


@pytest.mark.parametrize(
    ("fault", "wrong_input", "diagnosis"),
    [
        ("WrongSign", "x1", None),
        ("MissingFactor", "x0", None),
        ("SavedTheOutput", "x0", None),
        ("NoneGradient", "x1", None),
        ("OneElement", "x1[1, 2]", "one element wrong"),
        ("NotSummed", "x2", None),
    ],
)
def test_a_fault_in_a_backward_is_caught_in_the_input_it_is_in(fault, wrong_input, diagnosis):
    verdict = audit(getattr(functions, fault).apply, X, W, B)
    assert verdict.status == "fail"
    failed = [element.input for element in verdict.elements if element.status == "fail"]
    assert failed
    assert all(element.startswith(wrong_input) for element in failed)
    assert diagnosis in (None, verdict.diagnosis)


def test_gradients_in_the_wrong_order_are_caught_in_both_inputs():
    verdict = audit(functions.Swapped.apply, X, W, B)
    assert verdict.status == "fail"
    assert {element.input[:2] for element in verdict.elements if element.status == "fail"} == {"x0", "x1"}


def test_a_backward_that_ignores_its_cotangent_is_caught():
    verdict = audit(functions.IgnoresCotangent.apply, X, W, B)
    assert (verdict.status, verdict.diagnosis) == ("fail", "cotangent ignored")


def test_a_none_gradient_is_named():
    assert "the gradient of input 1 is None" in notes(audit(functions.NoneGradient.apply, X, W, B))


@pytest.mark.parametrize("fault", ["WrongShape", "TooFew"])
def test_a_gradient_that_cannot_be_one_fails_and_is_no_error(fault):
    verdict = audit(getattr(functions, fault).apply, X, W, B)
    assert (verdict.status, verdict.diagnosis) == ("fail", "shape mismatch")
    assert f"{fault}Backward returned an in" in verdict.message


@pytest.mark.parametrize("fault", ["CubeCutBehind", "CubeTwiceWrong"])
def test_a_wrong_second_derivative_is_caught_where_the_first_is_right(fault):
    function = getattr(functions, fault).apply
    assert audit(function, X).status == "pass"
    verdict = audit(function, X, checks=["gradient", "hvp"])
    assert verdict.status == "fail"
    assert {element.check for element in verdict.elements if element.status == "fail"} == {"hvp"}


def test_a_wrong_forward_mode_is_caught_where_reverse_is_right():
    assert audit(functions.CubeForwardWrong.apply, X).status == "pass"
    assert audit(functions.CubeForwardWrong.apply, X, checks=["jvp"]).status == "fail"


def test_a_wrong_rule_for_batches_is_caught_where_single_points_are_right():
    def squared(x):
        return functions.BatchedWrong.apply(x) ** 2

    assert audit(squared, X).status == "pass"
    assert audit(squared, X, checks=["batch"]).status == "fail"


@pytest.mark.parametrize("function", [functions.CubeForward.apply, functions.mlp, lambda x: (x.sin(), {"a": x.sum()})])
def test_the_derivative_of_a_batch_is_that_of_its_points(function):
    verdict = audit(function, X, checks=["batch"])
    assert verdict.status == "pass"
    assert not verdict.notes


# what does not exist is left out, and said


def test_a_function_without_a_rule_for_batches_leaves_that_check_out_with_a_note():
    verdict = audit(functions.Cube.apply, X, checks=["vjp", "batch"])
    assert verdict.status == "pass"
    assert "check batch is left out" in notes(verdict)


def test_a_checkpointed_function_passes_and_leaves_the_check_of_batches_out_with_a_note():
    def kept_short(x):
        return checkpoint(lambda y: torch.sin(y).exp(), x, use_reentrant=False)

    verdict = audit(kept_short, X, checks=["vjp", "jvp", "hvp", "batch"])
    assert verdict.status == "pass", verdict.message
    assert "check batch is left out" in notes(verdict)


@pytest.mark.parametrize("function", [functions.square, lambda x: torch.sin(x) + functions.square(x)])
@pytest.mark.parametrize("check", ["jvp", "adjoint"])
def test_a_custom_operator_leaves_forward_mode_out_with_a_note(function, check):
    verdict = audit(function, X, checks=["vjp", check])
    assert verdict.status == "pass", verdict.message
    assert f"check {check} is left out" in notes(verdict)


@pytest.mark.parametrize("check", ["jvp", "adjoint"])
@pytest.mark.parametrize("function", [torch.ones_like, lambda x: torch.sin(x) * functions.square(torch.ones_like(x))])
def test_an_output_or_operator_that_no_input_reaches_has_a_tangent_of_zero(function, check):
    verdict = audit(function, X, checks=[check])
    assert verdict.status == "pass", verdict.message
    assert "left out" not in notes(verdict)


def test_a_function_that_writes_into_what_it_makes_or_is_given_passes_in_forward_mode():
    def written(x):
        y = x.mul_(2)
        y[0] = y[0].sin()
        return y.exp_()

    fresh = load(written)
    np.testing.assert_allclose(
        fresh.claims["jvp"](np.ones(2), np.ones(2)), [2 * np.cos(2) * np.exp(np.sin(2)), 2 * np.exp(2)]
    )


def test_a_function_without_forward_mode_leaves_that_check_out_with_a_note():
    verdict = audit(functions.Cube.apply, X, checks=["vjp", "jvp"])
    assert verdict.status == "pass"
    assert "check jvp is left out" in notes(verdict)


@pytest.mark.parametrize(
    "function",
    [
        functools.partial(torch.softmax, dim=-1),
        functools.partial(torch.nn.functional.layer_norm, normalized_shape=(4,)),
        functools.partial(torch.nn.functional.normalize, dim=-1),
        torch.nn.BatchNorm1d(4),
    ],
)
def test_second_derivatives_that_cancel_in_a_sum_of_outputs_are_decided(function):
    assert audit(function, np.random.default_rng(5).normal(size=(3, 4)), checks=["hvp"]).status == "pass"


def test_a_second_derivative_that_is_wrong_fails_where_the_sum_of_outputs_is_constant():
    x = np.random.default_rng(5).normal(size=(3, 4))
    verdict = audit(functions.SoftmaxTwiceWrong.apply, x, checks=["vjp", "gradient", "hvp"])
    assert verdict.status == "fail"
    assert {element.check for element in verdict.elements if element.status == "fail"} == {"hvp"}


def test_a_second_derivative_by_a_claimed_gradient_is_of_the_sum_that_it_is_the_gradient_of():
    verdict = gradaudit.audit(
        lambda x: torch.sin(x), X, engine="torch", gradient=np.cos, hvp=lambda x, v: -np.sin(x) * v, checks=["hvp"]
    )
    assert verdict.status == "pass", verdict.message


def test_a_backward_that_may_run_once_only_leaves_hvp_out_with_a_note():
    verdict = audit(functions.CubeOnce.apply, X, checks=["vjp", "hvp"])
    assert verdict.status == "pass"
    assert "check hvp is left out" in notes(verdict)


def test_nothing_left_to_check_is_no_pass():
    verdict = audit(functions.Cube.apply, X, checks=["jvp"])
    assert verdict.status == "inconclusive"
    assert "check jvp is left out" in verdict.message


# outputs


def test_several_outputs_take_a_cotangent_each():
    assert audit(lambda x: {"a": x.sin(), "b": (x.sum(), [x.cos()])}, X).status == "pass"


def test_an_output_whose_graph_is_cut_fails_and_is_named():
    verdict = audit(lambda x: (x.sin(), torch.tensor(x.detach().numpy() ** 2)), X)
    assert verdict.status == "fail"
    assert "output 1 is detached from the inputs: its gradient is zero by construction" in notes(verdict)


def test_integer_outputs_have_no_derivative_and_are_named():
    verdict = audit(lambda x: torch.max(x, dim=1), X)
    assert verdict.status == "pass"
    assert "output 1 holds int64" in notes(verdict)


def test_a_function_with_integer_outputs_only_is_an_error():
    verdict = audit(lambda x: torch.argmax(x), X)
    assert verdict.status == "error"
    assert "the function returned int64; allowed: tensors of floating or complex numbers" in verdict.message


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
def test_sparse_outputs_are_compared_densely():
    def sparse(values):
        return torch.sparse_coo_tensor(torch.tensor([[0, 1, 1], [2, 0, 2]]), values**2, (2, 3))

    assert audit(sparse, B).status == "pass"


def test_an_output_that_numpy_has_no_format_for_counts_as_single_precision():
    assert load(lambda x: x.bfloat16()).function(X).dtype == np.float32


# inputs


def test_integers_are_passed_on_and_not_differentiated():
    rows = np.array([1, 1, 0])
    assert audit(lambda x, rows: x[rows].sin(), X, rows).status == "pass"


@pytest.mark.parametrize("view", [lambda x: x.t(), lambda x: x[:, ::2], lambda x: x[:1].expand(3, 3)])
def test_strided_and_overlapping_tensors_inside_pass(view):
    assert audit(lambda x: functions.Cube.apply(view(x)), X).status == "pass"


def test_a_tensor_is_as_good_as_an_array():
    assert audit(torch.sin, torch.tensor(X, requires_grad=True)).status == "pass"


def test_what_a_function_writes_into_its_input_is_named():
    verdict = audit(functions.InPlace.apply, X)
    assert (verdict.status, verdict.diagnosis) == ("fail", "input mutated")


def test_a_function_that_gives_its_tensor_another_shape_has_written_nothing():
    verdict = audit(lambda x: x.t_().sin(), X)
    assert verdict.status == "pass", verdict.message


def test_single_precision_is_audited_only_where_it_is_asked_for():
    seen = []

    def seeing(x):
        seen.append((x.dtype, torch.zeros(1).dtype))
        return torch.sin(x)

    assert audit(seeing, X).status == "pass"
    assert set(seen) == {(torch.float64, torch.float64)}
    seen.clear()
    assert audit(seeing, X.astype(np.float32)).status == "pass"
    assert set(seen) == {(torch.float32, torch.float32)}
    assert torch.get_default_dtype() == torch.float32


# complex numbers


@pytest.mark.parametrize("function", [functions.Square.apply, lambda z: torch.exp(z) * z.conj(), lambda z: z.abs()])
@pytest.mark.parametrize("z", [Z, Z.astype(np.complex64)])
def test_complex_inputs_and_outputs_pass_by_wirtingers_convention(function, z):
    assert audit(function, z).status == "pass"


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_the_parameters_of_a_module_have_the_precision_of_complex_inputs(dtype):
    assert audit(torch.nn.Linear(4, 2, dtype=torch.complex64), Z.astype(dtype)).status == "pass"


def test_complex_inputs_pass_in_forward_mode_and_twice():
    assert audit(lambda z: torch.sin(z) * z.conj(), Z, checks=["jvp", "gradient", "hvp"]).status == "pass"


def test_a_forgotten_conjugate_is_caught_and_real_and_imaginary_parts_are_named():
    verdict = audit(functions.SquareWithoutConj.apply, Z)
    assert verdict.status == "fail"
    assert {element.input.partition("[")[0] for element in verdict.elements} == {"x.re", "x.im"}


# modules


@pytest.mark.parametrize("module", [functions.LINEAR, functions.mlp, functions.made, functions.Scorer, functions.mlp()])
def test_modules_classes_and_factories_pass_with_their_parameters(module):
    assert audit(module, X).status == "pass"


def test_parameters_are_inputs_under_their_own_names_and_what_is_fixed_is_listed():
    verdict = audit(functions.WrongScorer, X)
    assert verdict.status == "fail"
    assert {element.input.partition("[")[0] for element in verdict.elements if element.status == "fail"} == {"weight"}
    assert "held fixed: frozen, offset" in notes(verdict)


def test_options_go_to_what_makes_the_module():
    made = load(functions.mlp, width=5)
    held = made.held(Arguments.of([X]))
    assert {name: array.shape for name, array in held.items()} == {
        "0.weight": (5, 3), "0.bias": (5,), "2.weight": (2, 5), "2.bias": (2,),
    }  # fmt: skip


def test_a_module_is_audited_in_the_mode_that_is_asked_for_and_left_as_it_was():
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(3), torch.nn.Dropout(0.5))
    state = {name: value.clone() for name, value in model.state_dict().items()}
    x = RNG.normal(size=(5, 3))
    values = {}
    for training in (True, False):
        adapted = load(model, training=training)
        values[training] = adapted.function(x, *adapted.held(Arguments.of([x])).values())
    np.testing.assert_allclose(values[False], x / np.sqrt(1 + 1e-5))
    assert (values[True] == 0).any()
    assert model.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name])


def test_a_module_in_train_mode_passes_with_batch_statistics_and_a_fixed_mask():
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Tanh(), torch.nn.Dropout(0.5))
    assert audit(model, RNG.normal(size=(6, 3))).status == "pass"


@pytest.mark.parametrize("check", ["vjp", "jvp", "hvp"])
def test_float32_is_judged_as_float32(check):
    def layer(x):
        return torch.tanh(torch.tensor([[0.5, -1.0, 2.0], [0.3, 0.7, -0.2]]) @ x)

    verdict = audit(layer, np.float32([0.5, -1.0, 0.25]), checks=[check])
    assert verdict.status == "pass", verdict.message


def half(dtype):
    """The dtype; bfloat16 is NumPy's where ml_dtypes is there."""
    return pytest.importorskip("ml_dtypes").bfloat16 if dtype == "bfloat16" else np.dtype(dtype)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("check", ["vjp", "jvp", "gradient", "batch", "adjoint"])
@pytest.mark.parametrize("seed", range(3))
def test_a_right_function_in_half_precision_never_fails(dtype, check, seed):
    w, x = (part.astype(half(dtype)) for part in np.random.default_rng(seed).normal(size=(2, 4)))

    def layer(w, x):
        assert w.dtype == x.dtype == getattr(torch, dtype)
        return torch.tanh(w * x)

    verdict = audit(layer, w, x, checks=[check])
    assert verdict.status in ("pass", "inconclusive"), verdict.message


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_passes_where_it_decides_and_a_gross_fault_in_it_fails(dtype):
    x, w, b = (np.array(values).astype(half(dtype)) for values in ([[1.5, -0.75]], [[0.5, 1.25]], [2.0, 1.0]))
    assert audit(functions.Scale.apply, x, w, b).status == "pass"
    verdict = audit(functions.WrongSign.apply, x, w, b)
    assert verdict.status == "fail"
    assert {element.input[:2] for element in verdict.elements if element.status == "fail"} == {"x1"}


def test_a_tensor_of_bfloat16_is_as_good_as_an_array_of_it():
    x, w = torch.tensor([1.5, -0.75]).bfloat16(), torch.tensor([0.5, 1.25]).bfloat16()
    verdict = audit(
        lambda pair, b: (pair["x"] * pair["w"]).sum() + b, {"x": x, "w": w}, np.ones(1).astype(half("bfloat16"))
    )
    assert verdict.status == "pass", verdict.message
    assert verdict.counts.elements == 2 * 5


def test_a_tensor_of_bfloat16_is_refused_with_what_to_install_where_numpy_has_no_such_dtype(monkeypatch):
    monkeypatch.setattr("gradaudit.plan.precision.find_spec", lambda name: None)
    with pytest.raises(TypeError, match="dtype bfloat16 needs ml_dtypes: pip install"):
        audit(torch.sin, torch.ones(2, dtype=torch.bfloat16))


def test_what_a_function_writes_into_an_input_of_bfloat16_is_named():
    verdict = audit(lambda x: x.mul_(2), np.ones(3).astype(half("bfloat16")))
    assert "changed its input x" in verdict.message


def test_a_suite_asks_for_bfloat16(tmp_path):
    half("bfloat16")
    (tmp_path / "suite.yaml").write_text(
        "version: 1\nfunctions:\n  - function: tests.torch_functions:Scale.apply\n    engine: torch\n"
        "    matrix: {dtype: [bfloat16]}\n"
        "    inputs: {x: {values: [[1.5, -0.75]]}, w: {values: [[0.5, 1.25]]}, b: {values: [2, 1]}}\n"
    )
    (case,) = make_plan(load_suite([tmp_path / "suite.yaml"], environment={}))
    verdict = audit_case(case)
    assert verdict.status == "pass", verdict.message


def test_the_gradient_of_a_bias_before_a_batch_normalisation_is_bounded_beside_the_others():
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Tanh())
    verdict = audit(model, RNG.normal(size=(6, 3)), checks=["hvp"])
    assert verdict.status == "pass", verdict.message
    assert verdict.counts.bounded_by_largest > 0


def test_a_module_keeps_its_own_precision_and_is_audited_in_that_of_the_inputs():
    assert audit(functions.LINEAR, X).status == "pass"
    assert audit(functions.LINEAR, X.astype(np.float32)).status == "pass"
    assert functions.LINEAR.weight.dtype == torch.float32


def test_the_parameters_of_a_module_may_be_its_only_inputs():
    rows = Input("rows", Given((0, 2, 2)), "int64", differentiate=False)
    target = Target("here:f", engine="torch", constants=(0,))
    adapted = engine.load(target, torch.nn.Embedding(3, 2), {})
    case = Case("c", "c", target, (rows,), ("vjp",))
    from gradaudit.auditor import audit_function

    arguments = Arguments.of([np.array([0, 2, 2])], names=["rows"], differentiated=[])
    verdict = audit_function(case, adapted, arguments)
    assert verdict.status == "pass"


def test_tied_parameters_are_moved_together():
    tied = functions.mlp(3)
    tied[2] = tied[0]
    verdict = audit(tied, X)
    assert verdict.status == "pass"


def test_a_claim_about_a_module_is_about_its_inputs_alone():
    def claim(x, cotangent):
        return cotangent @ functions.LINEAR.weight.detach().double().numpy()

    assert gradaudit.audit(functions.LINEAR, X, vjp=claim, engine="torch").status == "pass"


def test_hooks_on_the_gradients_of_parameters_are_named_as_not_run():
    model = functions.mlp()
    assert not any("hooks" in note for note in audit(model, X).notes)
    model[0].weight.register_hook(lambda gradient: 2 * gradient)
    model[2].bias.register_post_accumulate_grad_hook(lambda parameter: None)
    verdict = audit(model, X)
    assert verdict.status == "pass"
    assert "hooks on 0.weight, 2.bias are not run" in notes(verdict)


def test_a_factory_that_makes_no_module_is_refused():
    with pytest.raises(EngineError, match=r"here:f made int; allowed: a torch\.nn\.Module"):
        load(lambda: 3)


def test_a_parameter_without_a_shape_is_refused():
    with pytest.raises(EngineError, match="weight has no shape yet"):
        load(torch.nn.LazyLinear(3))


@pytest.mark.parametrize(
    "module",
    [functions.wrong_boxed, functions.WrongBoxed, functions.wrong_boxed.forward],
    ids=["one", "class", "bound"],
)
def test_the_parameters_of_a_module_of_containers_are_inputs_too(module):
    state = {name: value.clone() for name, value in functions.wrong_boxed.state_dict().items()}
    verdict = audit(module, {"a": X})
    assert verdict.status == "fail"
    assert {element.input.partition("[")[0] for element in verdict.elements if element.status == "fail"} == {"weight"}
    assert all(torch.equal(value, state[name]) for name, value in functions.wrong_boxed.state_dict().items())


def test_a_module_of_tuples_has_the_precision_of_its_inputs_and_passes():
    verdict = audit(functions.lstm, RNG.normal(size=(2, 3)), tuple(RNG.normal(size=(2, 1, 2))))
    assert verdict.status == "pass", verdict.message
    assert functions.lstm.weight_ih_l0.dtype == torch.float32
    assert verdict.counts.elements == 2 * (6 + 4 + 56)  # of x, the state and the parameters, for two cotangents


@pytest.mark.parametrize("training", [True, False])
def test_a_module_of_containers_is_audited_in_the_mode_that_is_asked_for(training):
    boxed = functions.Boxed()
    target = Target("here:f", engine="torch", kwargs=(("training", training),))
    adapted = engines.adapt(target, boxed, {}, layout=Layout((Tree.of({"a": X}),)))
    normal = adapted.function(X, *adapted.held(Arguments.of([X])).values())
    assert np.allclose(normal.mean(0), 0) is training
    assert boxed.training


def test_a_claim_about_a_module_of_containers_is_about_its_inputs_alone():
    def claim(batch, cotangent):
        weight = functions.LINEAR.weight.detach().double().numpy()
        return {"a": cotangent @ weight}

    class Unboxing(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = functions.LINEAR

        def forward(self, batch):
            return self.linear(batch["a"])

    assert gradaudit.audit(Unboxing(), {"a": X}, vjp=claim, engine="torch").status == "pass"


def test_a_suite_names_a_module_of_containers(tmp_path):
    (tmp_path / "suite.yaml").write_text(
        "version: 1\nfunctions:\n"
        "  - {name: one, function: 'tests.torch_functions:wrong_boxed', engine: torch, kwargs: {training: false},\n"
        "     inputs: {batch: {tree: {a: {shape: [2, 3]}}}}}\n"
        "  - {name: made, function: 'tests.torch_functions:WrongBoxed', engine: torch,\n"
        "     inputs: {batch: {tree: {a: {shape: [2, 3]}}}}}\n"
        "  - {name: lstm, function: 'tests.torch_functions:lstm', engine: torch,\n"
        "     inputs: {x: {shape: [2, 3]}, state: {items: [{shape: [1, 2]}, {shape: [1, 2]}]}}}\n"
    )
    verdicts = [audit_case(case) for case in make_plan(load_suite([tmp_path / "suite.yaml"], environment={}))]
    assert [verdict.status for verdict in verdicts] == ["fail", "fail", "pass"]


# what is hidden is listed


@pytest.mark.parametrize("held", ["closure", "default", "partial", "global", "inner global", "method", "list"])
def test_tensors_that_a_function_holds_elsewhere_are_listed_as_not_checked(held):
    w = torch.ones(3, dtype=torch.float64, requires_grad=True)
    parts = [w]

    class Holder:
        def __init__(self):
            self.w = w

        def call(self, x):
            return x * self.w

    function = {
        "closure": lambda x: x * w,
        "default": lambda x, w=w: x * w,
        "partial": functools.partial(lambda w, x: x * w, w),
        "global": functions.hides_a_global,
        "inner global": functions.hides_a_global_in_an_inner_function,
        "method": Holder().call,
        "list": lambda x: x * parts[0],
    }[held]
    verdict = audit(function, X[:, :2] if "global" in held else X)
    assert verdict.status == "pass"
    assert "not checked: " in notes(verdict)
    name = {"partial": "argument 0", "global": "W", "inner global": "W", "list": "parts.0"}.get(held, "w")
    assert f"not checked: {name} (" in notes(verdict)


def test_what_the_object_of_a_method_of_containers_holds_is_listed_too():
    class Layer:
        def __init__(self):
            self.w = torch.ones(3, dtype=torch.float64, requires_grad=True)

        def scaled(self, batch):
            return torch.sin(batch["a"]) * self.w

    assert notes(audit(Layer().scaled, {"a": X})).startswith("not checked: w (held by the function")


def test_a_container_that_holds_itself_is_looked_through_once():
    held = {"w": torch.ones(3, dtype=torch.float64, requires_grad=True)}
    held["self"] = [held]
    assert "not checked: held.w (" in notes(audit(lambda x: x * held["w"], X))


def test_a_module_that_a_function_uses_is_listed_by_its_parameters():
    assert "not checked: LINEAR.weight, LINEAR.bias (" in notes(audit(functions.uses_a_global_module, X))


def test_a_name_that_is_not_bound_yet_hides_nothing():
    def outer():
        def f(x):
            return torch.sin(x) if x is not None else later

        adapted = load(f)
        later = 1
        return adapted, later

    assert outer()[0].notes == []


def test_a_function_that_holds_nothing_has_no_note():
    assert audit(torch.sin, X).notes == ()


# random numbers


def test_dropout_has_one_mask_for_all_points_and_passes():
    assert audit(lambda x: torch.nn.functional.dropout(x.sin(), 0.5), X).status == "pass"


def test_another_seed_is_another_mask_and_the_same_one_the_same():
    def masks(seed):
        seen = []
        gradaudit.audit(
            lambda x: seen.append(torch.nn.functional.dropout(torch.ones(64))) or x, X, engine="torch", seed=seed
        )
        return {tuple(mask.tolist()) for mask in seen if not torch._C._functorch.is_batchedtensor(mask)}

    assert masks(1) == masks(1) != masks(2)
    assert len(masks(1)) == 1


def test_the_parameters_that_a_factory_draws_follow_from_the_seed():
    def weights(seed):
        loaded = engines.adapt(Target("m", engine="torch", seed=seed), lambda: torch.nn.Linear(3, 2), {})
        return loaded.held(Arguments.of([X]))["weight"].tolist()

    assert weights(1) == weights(1) != weights(2)


def test_a_generator_of_its_own_is_named_nondeterministic():
    generator = torch.Generator().manual_seed(1)
    verdict = audit(lambda x: x * torch.rand(x.shape, generator=generator), X)
    assert (verdict.status, verdict.diagnosis) == ("inconclusive", "nondeterministic")


def test_torchs_own_state_is_left_as_it_was():
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    audit(lambda x: torch.nn.functional.dropout(x, 0.5), X)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_audits_that_share_a_process_do_not_disturb_each_other():
    def f(x):
        return torch.nn.functional.dropout(x @ torch.ones(3, 2), 0.5)

    with ThreadPoolExecutor(4) as threads:
        verdicts = list(threads.map(lambda x: audit(f, x), [X, X.astype(np.float32)] * 4))
    assert [verdict.status for verdict in verdicts] == ["pass"] * 8
    assert len({verdict.measures.bound for verdict in verdicts}) == 2


def test_a_call_runs_on_one_thread():
    seen = []
    load(lambda x: seen.append(torch.get_num_threads()) or x).function(X)
    assert seen == [1]


# many points at once


def batched(function, *inputs, **options):
    arguments = Arguments.of(inputs)
    adapted = load(function, **options)
    if adapted.held:
        arguments = arguments.beside(adapted.held(arguments), differentiated=True)
    return adapted, arguments, adapted.batch(arguments)


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (lambda x: x.sin().sum(1), [X]),
        (lambda x, rows: x[rows] ** 2, [X, np.array([1, 0])]),
        (functions.Scale.apply, [X, W, B]),
        (functions.CubeForward.apply, [X]),
        (functions.mlp, [X]),
        (lambda x: torch.nn.functional.dropout(x, 0.5), [X]),
        (lambda z: torch.exp(z), [Z]),
        (lambda x: (x.sin(), x.float().cos()), [X]),
    ],
)
def test_rows_are_what_calls_give(function, inputs):
    adapted, arguments, rows = batched(function, *inputs)
    points = arguments.x + np.linspace(0, 1, 4)[:, None]
    called = [engines._differentiable.flatten_output(adapted.function(*arguments.at(point)))[0] for point in points]
    np.testing.assert_allclose(rows(points), called, rtol=1e-6)


def test_rows_beside_a_constant_are_computed_in_the_precision_of_what_moves():
    adapted = engine.load(Target("here:f", constants=(0,)), lambda k, x: x * torch.full((3,), 0.1) * k, {})
    arguments = Arguments.of([W[0].astype(np.float32), X[0].astype(np.float32)], differentiated=[1])
    called = adapted.function(*arguments.inputs)
    (row, *_) = adapted.batch(arguments)(np.stack([arguments.x] * 4))
    assert (row.dtype, called.dtype) == (np.float32, np.float32)
    np.testing.assert_array_equal(row, called)


def test_a_function_that_vmap_cannot_take_is_called_point_by_point_and_says_so():
    verdict = audit(lambda x: torch.tensor(3.0) * functions.Pinned.apply(x).sum(), X)
    assert verdict.status == "pass"
    assert "evaluated point by point: the batched function raised RuntimeError" in notes(verdict)


def test_custom_functions_within_a_function_or_module_go_in_batches_and_are_restored():
    apply = torch.autograd.Function.__dict__["apply"]
    for function in (lambda x: functions.Cube.apply(x).sum() * functions.CubeForward.apply(x), functions.Scorer):
        verdict = audit(function, X)
        assert verdict.status == "pass"
        assert "point by point" not in notes(verdict)
    assert torch.autograd.Function.__dict__["apply"] is apply


def test_another_thread_still_differentiates_while_one_evaluates_in_batches():
    x = torch.tensor(X, requires_grad=True)
    with ThreadPoolExecutor(1) as other, forwards_alone():
        assert functions.Cube.apply(x).grad_fn.name() != "CubeBackward"
        assert other.submit(lambda: functions.Cube.apply(x).grad_fn.name()).result() == "CubeBackward"


def test_what_torch_loops_over_for_want_of_a_rule_is_evaluated_in_silence():
    verdict = audit(lambda x: torch.cummax(x, 0)[0], X, checks=["vjp", "batch"])  # warnings are errors here
    assert (verdict.status, verdict.notes) == ("pass", ()), verdict.message


def test_control_flow_by_value_is_called_point_by_point():
    verdict = audit(lambda x: x.sin() if x.sum() > 100 else x.cos(), X)
    assert verdict.status == "pass"
    assert "evaluated point by point" in notes(verdict)


# recognition


def annotated(x: torch.Tensor):
    return x


def annotated_by_name(x: "Tensor"):  # noqa: F821 - a name is all that is looked at
    return x


def uses_torch(x):
    return torch.sin(x)


def on_arrays(x):
    return np.sin(x)


@pytest.mark.parametrize(
    "function",
    [annotated, annotated_by_name, uses_torch, torch.sin, functions.Scale.apply, functions.LINEAR, functions.Scorer,
     functions.LINEAR.forward, functools.partial(uses_torch), functions.hides_a_global],
)  # fmt: skip
def test_functions_over_tensors_are_recognised(function):
    assert engine.recognises(function, Target("here:f"))


@pytest.mark.parametrize("function", [on_arrays, np.sin, len, 3, None, int])
def test_other_things_are_not(function):
    assert not engine.recognises(function, Target("here:f"))


def test_a_claim_leaves_functions_that_only_use_torch_inside_to_others():
    claimed = Target("here:f", (("gradient", "here:g"),))
    assert not engine.recognises(uses_torch, claimed)
    assert engine.recognises(annotated, claimed)
    assert engine.recognises(functions.Scale.apply, claimed)


def test_what_is_no_function_is_refused():
    with pytest.raises(EngineError, match="here:f is int, not a function; name what can be called"):
        load(3)


def test_a_suite_needs_no_engine_for_what_is_torchs():
    target = Target("tests.torch_functions:Scale.apply")
    inputs = (Input("x", Drawn((2, 3))), Input("w", Drawn((2, 3))), Input("b", Drawn((3,))))
    case = Case("c", "c", target, inputs, ("vjp",))
    from gradaudit.auditor import audit_case

    verdict = audit_case(case)
    assert (verdict.status, verdict.engine) == ("pass", "torch")


def test_numeric_derivatives_of_functions_over_tensors_need_no_tensors():
    found = gradaudit.gradient(lambda x: torch.sin(x).sum(), X)
    np.testing.assert_allclose(found.value, np.cos(X), rtol=1e-9)
    assert gradaudit.jacobian(functions.LINEAR, X).value.shape == (2, 2, 2, 3)
