"""Engine ``jax``: JAX's own rules and the user's, with faults planted into the latter."""

import dataclasses
import functools
import os
from pathlib import Path

import numpy as np
import pytest

import gradaudit as ga
from gradaudit import engines
from gradaudit.auditor import audit_case
from gradaudit.engines._arguments import Arguments
from gradaudit.plan import make_plan
from gradaudit.plan.case import Target
from gradaudit.suite import load_suite

jax = pytest.importorskip("jax", reason="the engine 'jax' needs JAX")
jnp = jax.numpy

X = np.array([0.5, -1.0, 2.0, 0.25])
W = np.array([2.0, 3.0, -1.0, 0.7])
EVERY = "vjp", "jvp", "gradient", "hvp"


@pytest.fixture(autouse=True)
def _as_installed(monkeypatch):
    monkeypatch.delenv("JAX_ENABLE_X64", raising=False)


def smooth(x, w):
    return jnp.sum(jnp.tanh(x * w)), {"products": jnp.outer(x, w), "best": jnp.argmax(x)}


def load(function, claims=None, **options):
    names = tuple((kind, "somewhere") for kind in claims or {})
    return engines.part("jax").load(Target("here:f", names, **options), function, claims or {})


def backwards(rule):
    """Σ sin(x·w), the product by a custom_vjp with this rule."""
    product = jax.custom_vjp(lambda x, w: x * w)
    product.defvjp(lambda x, w: (x * w, (x, w)), rule)
    return lambda x, w: jnp.sum(jnp.sin(product(x, w)))


def forwards(rule):
    """Σ sin(x·w), the product by a custom_jvp with this rule."""
    product = jax.custom_jvp(lambda x, w: x * w)
    product.defjvp(rule)
    return lambda x, w: jnp.sum(jnp.sin(product(x, w)))


def failed(verdict):
    named = {element.input for element in verdict.elements if element.status == "fail"}
    return {name for name in named if not name.startswith("tangent")}


def test_all_four_derivatives_of_a_smooth_function_pass():
    verdict = ga.audit(smooth, X, W, engine="jax", checks=EVERY)
    assert verdict.status == "pass", verdict.message
    assert verdict.notes == ()


def test_a_jitted_function_passes_and_is_recognised():
    verdict = ga.audit(jax.jit(smooth), X, W, checks=["vjp"])
    assert (verdict.status, verdict.engine) == ("pass", "jax")


def test_a_right_custom_vjp_passes_twice_over_and_has_no_forward_mode():
    function = backwards(lambda kept, g: (g * kept[1], g * kept[0]))
    verdict = ga.audit(function, X, W, engine="jax", checks=EVERY)
    assert verdict.status == "pass", verdict.message
    assert any("jvp is left out: a custom_vjp inside has no forward mode" in note for note in verdict.notes)


def test_a_wrong_element_in_a_custom_vjp_is_found_in_the_right_input():
    function = backwards(lambda kept, g: (g * kept[1] * jnp.array([1, 1, 1.001, 1]), g * kept[0]))
    verdict = ga.audit(function, X, W, engine="jax", checks=["vjp"])
    assert (verdict.status, verdict.diagnosis) == ("fail", "one element wrong")
    assert failed(verdict) == {"x0[2]"}


def test_a_wrong_sign_in_the_second_argument_is_found_there():
    function = backwards(lambda kept, g: (g * kept[1], -g * kept[0]))
    verdict = ga.audit(function, X, W, engine="jax", checks=["vjp"])
    assert verdict.diagnosis == "wrong sign"
    assert failed(verdict) == {f"x1[{k}]" for k in range(4)}


def test_a_forward_rule_that_computes_something_else_is_found():
    product = jax.custom_vjp(lambda x, w: x * w)
    product.defvjp(lambda x, w: (1.001 * x * w, (x, w)), lambda kept, g: (g * kept[1], g * kept[0]))
    verdict = ga.audit(lambda x, w: jnp.sum(product(x, w)), X, W, engine="jax", checks=["primal"])
    assert verdict.status == "fail"


def test_a_batch_of_derivatives_gives_what_single_ones_give():
    assert ga.audit(smooth, X, W, engine="jax", checks=["batch"]).status == "pass"


def test_swapped_cotangents_are_found():
    function = backwards(lambda kept, g: (g * kept[0], g * kept[1]))
    verdict = ga.audit(function, X, W, engine="jax", checks=["vjp"])
    assert (verdict.status, verdict.diagnosis) == ("fail", "swapped")


@pytest.mark.parametrize("check", ["vjp", "gradient", "hvp", "batch"])
@pytest.mark.parametrize(
    "rule",
    [
        lambda kept, g: (g * kept[1], (g * kept[0])[:2]),
        lambda kept, g: (g * kept[1],),
        lambda kept, g: g * kept[1],
        lambda kept, g: ({"x": g * kept[1]}, g * kept[0]),
    ],
    ids=["shape", "too few", "no tuple", "another container"],
)
def test_a_custom_vjp_that_gives_no_cotangents_of_its_inputs_fails_and_is_no_error(rule, check):
    verdict = ga.audit(backwards(rule), X, W, engine="jax", checks=[check])
    assert (verdict.status, verdict.diagnosis) == ("fail", "shape mismatch")
    assert "Custom VJP bwd rule must produce" in verdict.message


@pytest.mark.parametrize("check", ["vjp", "jvp", "gradient"])
@pytest.mark.parametrize(
    "rule",
    [
        lambda at, tangents: (at[0] * at[1], tangents[0][:2]),
        lambda at, tangents: (at[0] * at[1], (tangents[0], tangents[1])),
        lambda at, tangents: at[0] * at[1],
    ],
    ids=["shape", "another container", "no pair"],
)
def test_a_custom_jvp_that_gives_no_tangent_of_its_output_fails_and_is_no_error(rule, check):
    verdict = ga.audit(forwards(rule), X, W, engine="jax", checks=[check])
    assert (verdict.status, verdict.diagnosis) == ("fail", "shape mismatch")
    assert "Custom JVP rule" in verdict.message


def test_what_a_rule_raises_itself_is_an_error():
    def rule(kept, g):
        raise ValueError("no such rule")

    assert ga.audit(backwards(rule), X, W, engine="jax", checks=["vjp"]).status == "error"


@pytest.mark.parametrize("check", ["vjp", "jvp", "gradient"])
def test_a_wrong_element_in_a_custom_jvp_is_found_by_every_check_of_first_order(check):
    def rule(primals, tangents):
        (x, w), (dx, dw) = primals, tangents
        return x * w, dx * w + dw * x * jnp.array([1, 0.99, 1, 1])

    verdict = ga.audit(forwards(rule), X, W, engine="jax", checks=[check])
    assert verdict.status == "fail"
    assert failed(verdict) == {"x1[1]"}


def test_a_rule_whose_own_derivative_is_wrong_fails_at_second_order_only():
    square = jax.custom_jvp(lambda x: x**2)
    square.defjvp(lambda primals, tangents: (primals[0] ** 2, primals[0] * tangents[0]))  # half
    cube = jax.custom_jvp(lambda x: x**3)
    cube.defjvp(lambda primals, tangents: (primals[0] ** 3, 3 * square(primals[0]) * tangents[0]))

    def f(x):
        return jnp.sum(cube(x))

    assert ga.audit(f, X, engine="jax", checks=["vjp", "jvp"]).status == "pass"
    assert ga.audit(f, X, engine="jax", checks=["hvp"]).status == "fail"


@pytest.mark.parametrize(
    "function",
    [jax.nn.softmax, functools.partial(jax.nn.standardize, axis=-1), lambda x: (x / jnp.linalg.norm(x), x)],
)
def test_second_derivatives_that_cancel_in_a_sum_of_outputs_are_decided(function):
    x = np.random.default_rng(5).normal(size=(3, 4))
    verdict = ga.audit(function, x, engine="jax", checks=["hvp"])
    assert verdict.status == "pass", verdict.message


def test_a_second_derivative_that_is_wrong_fails_where_the_sum_of_outputs_is_constant():
    softmax = jax.custom_jvp(jax.nn.softmax)
    frozen = jax.lax.stop_gradient

    @softmax.defjvp
    def rule(primals, tangents):
        y = frozen(softmax(primals[0]))
        return y, y * (tangents[0] - jnp.sum(y * tangents[0]))

    assert ga.audit(lambda x: softmax(x), X, engine="jax", checks=["vjp", "jvp"]).status == "pass"
    assert ga.audit(lambda x: softmax(x), X, engine="jax", checks=["hvp"]).status == "fail"


def test_a_second_derivative_by_a_claimed_gradient_is_of_the_sum_that_it_is_the_gradient_of():
    claims = {"gradient": np.cos, "hvp": lambda x, v: -np.sin(x) * v}
    verdict = ga.audit(jnp.sin, X, engine="jax", checks=["hvp"], **claims)
    assert verdict.status == "pass", verdict.message


def test_a_stopped_gradient_fails_in_the_input_that_it_stops():
    def f(params):
        return jnp.sum(jax.lax.stop_gradient(params["scale"]) * params["x"] ** 2)

    verdict = ga.audit(f, {"x": X, "scale": W}, engine="jax", checks=["vjp"])
    assert (verdict.status, verdict.diagnosis) == ("fail", "zero or detached")
    assert failed(verdict) == {f"x.scale[{k}]" for k in range(4)}


def network(params, x):
    for w, b in params["hidden"]:
        x = jnp.tanh(w @ x + b)
    return {"logits": jax.nn.log_softmax(params["head"] @ x), "features": (x,)}


def parameters(dtype=np.float64):
    rng = np.random.default_rng(5)
    return {
        "hidden": [(rng.normal(size=(5, 4)).astype(dtype), rng.normal(size=5).astype(dtype))],
        "head": rng.normal(size=(3, 5)).astype(dtype),
    }


def test_trees_of_parameters_go_in_and_trees_of_outputs_come_out():
    verdict = ga.audit(network, parameters(), X, engine="jax", checks=EVERY)
    assert verdict.status == "pass", verdict.message
    assert verdict.counts.elements > 0


def beside_nothing(rule):
    """Outputs of which one depends on the rule, among others that are None."""
    return lambda params, x: {"y": backwards(rule)(x, params["w"]), "state": None, "more": (None, x**2)}


def test_outputs_among_which_some_are_none_are_audited_on_those_that_are_there():
    params, checks = {"w": W, "bias": None}, ["vjp", "gradient", "hvp"]
    right = beside_nothing(lambda kept, g: (g * kept[1], g * kept[0]))
    verdict = ga.audit(right, params, X, engine="jax", checks=checks)
    assert verdict.status == "pass", verdict.message
    wrong = beside_nothing(lambda kept, g: (g * kept[1], (g * kept[0]).at[1].mul(-1)))
    verdict = ga.audit(wrong, params, X, engine="jax", checks=checks)
    assert "x0.w[1]" in failed(verdict)


@pytest.mark.parametrize("check", ["vjp", "jvp"])
def test_float32_is_judged_as_float32(check):
    verdict = ga.audit(network, parameters(np.float32), X.astype(np.float32), engine="jax", checks=[check])
    assert verdict.status == "pass", verdict.message
    assert 1e-6 < verdict.measures.bound <= 1e-2


@pytest.mark.parametrize("check", ["vjp", "jvp", "hvp"])
def test_a_layer_in_float32_passes(check):
    weight = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    verdict = ga.audit(lambda x: jnp.tanh(weight @ x), weight[0], engine="jax", checks=[check])
    assert verdict.status == "pass", verdict.message


@pytest.mark.parametrize("check", ["vjp", "jvp"])
def test_attention_with_weights_in_float32_passes_among_float64(check):
    query, key, value = np.random.default_rng(0).normal(size=(3, 1, 3, 2, 2))
    verdict = ga.audit(jax.nn.dot_product_attention, query, key, value, engine="jax", checks=[check])
    assert verdict.status == "pass", verdict.message


def coarse(params, x):
    half = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), params)
    return jnp.sum(network(half, x.astype(jnp.bfloat16))["logits"] ** 2)


def test_bfloat16_inside_accuses_nobody():
    verdict = ga.audit(coarse, parameters(np.float32), X.astype(np.float32), engine="jax", checks=["vjp"])
    assert verdict.status in ("pass", "inconclusive"), verdict.message


def test_outputs_of_bfloat16_stay_what_they_are():
    value = load(lambda x: x.astype(jnp.bfloat16)).function(X)
    assert value.dtype == jnp.bfloat16
    np.testing.assert_array_equal(value.astype(float), X)


def times(factor):
    """tanh(w·x)², its custom_vjp off by this factor."""

    def layer(w, x):
        return jnp.sum(jnp.tanh(w @ x) ** 2)

    scaled = jax.custom_vjp(layer)
    scaled.defvjp(
        lambda w, x: (layer(w, x), (w, x)), lambda kept, g: tuple(factor * part for part in jax.vjp(layer, *kept)[1](g))
    )
    return scaled


HALF = [jnp.bfloat16, np.float16]


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("check", ["vjp", "gradient"])
@pytest.mark.parametrize("seed", range(3))
def test_a_right_claim_in_half_precision_never_fails(dtype, check, seed):
    rng = np.random.default_rng(seed)
    w, x = rng.normal(size=(3, 4)).astype(dtype), rng.normal(size=4).astype(dtype)
    verdict = ga.audit(times(1), w, x, engine="jax", checks=[check])
    assert verdict.status in ("pass", "inconclusive"), verdict.message


@pytest.mark.parametrize("dtype", HALF)
def test_differences_of_a_gradient_in_half_precision_are_not_taken_and_a_note_says_so(dtype):
    verdict = ga.audit(lambda x: x / jnp.sum(x**2), X.astype(dtype), engine="jax", checks=["hvp", "adjoint"])
    assert verdict.status == "pass", verdict.message
    assert any("hvp is left out: a gradient in half precision" in note for note in verdict.notes)


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("factor", [2, 0, -1])
def test_a_gross_fault_in_half_precision_is_found(dtype, factor):
    rng = np.random.default_rng(0)
    w, x = rng.normal(size=(3, 4)).astype(dtype), rng.normal(size=4).astype(dtype)
    assert ga.audit(times(factor), w, x, engine="jax", checks=["vjp"]).status == "fail"


@pytest.mark.parametrize("dtype", HALF)
def test_what_half_precision_can_decide_passes_with_a_bound_of_its_own(dtype):
    w, x = (np.array(values).astype(dtype) for values in ([1.5, -0.75, 2.0], [0.5, 1.25, -1.0]))
    verdict = ga.audit(lambda w, x: jnp.sum(w * x), w, x, engine="jax", checks=["vjp"])
    assert verdict.status == "pass", verdict.message
    assert 1e-3 < verdict.measures.bound <= (0.25 if dtype is jnp.bfloat16 else 0.1)


def test_a_suite_asks_for_bfloat16(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "halves.py").write_text(
        "import jax.numpy as jnp\ndef dot(w, x):\n    assert x.dtype == jnp.bfloat16\n    return jnp.sum(w * x)\n"
    )
    (tmp_path / "suite.yaml").write_text(
        "version: 1\nby_dtype:\n  bfloat16: {tolerance: {resolution: 0.5}}\nfunctions:\n"
        "  - function: halves:dot\n    engine: jax\n    matrix: {dtype: [bfloat16]}\n"
        "    inputs: {w: {values: [1.5, -0.75, 2.0]}, x: {shape: [3], uniform: {low: 1, high: 2}, bounds: [1, 2]}}\n"
    )
    (case,) = make_plan(load_suite([tmp_path / "suite.yaml"], environment={}))
    assert (case.inputs[0].dtype, case.settings.tolerance.resolution) == ("bfloat16", 0.5)
    verdict = audit_case(case)
    assert verdict.status == "pass", verdict.message


Z = np.array([0.5 - 1.0j, 2.0 + 0.25j, -1.5 + 0.75j])


def squares(z, w):
    """A real function of complex numbers."""
    return jnp.sum(jnp.abs(z * w) ** 2 + 3 * z.imag)


def test_real_functions_of_complex_inputs_pass_by_every_check():
    verdict = ga.audit(squares, Z, W[:3], engine="jax", checks=EVERY)
    assert verdict.status == "pass", verdict.message


def test_gradients_by_complex_inputs_are_those_of_jax_grad_and_no_others():
    def right(z, w):
        return (jax.grad(squares)(z, w), jax.grad(squares, 1)(z, w))

    def other(z, w):
        return (jnp.conj(jax.grad(squares)(z, w)), jax.grad(squares, 1)(z, w))

    assert ga.audit(squares, Z, W[:3], engine="jax", gradient=right).status == "pass"
    verdict = ga.audit(squares, Z, W[:3], engine="jax", gradient=other)
    assert verdict.status == "fail"
    assert failed(verdict) == {f"x0.im[{k}]" for k in range(3)}


def test_holomorphic_functions_pass_by_every_check_and_their_derivative_is_a_jvp():
    def f(z):
        return jnp.exp(z) * z

    slope = jax.vmap(jax.grad(lambda z: jnp.exp(z) * z, holomorphic=True))
    assert ga.audit(f, Z, engine="jax", checks=EVERY).status == "pass"
    assert ga.audit(f, Z, engine="jax", jvp=lambda z, t: slope(z) * t).status == "pass"
    assert ga.audit(f, Z, engine="jax", jvp=lambda z, t: jnp.conj(slope(z)) * t).status == "fail"


def test_a_claimed_vjp_of_complex_outputs_gets_and_gives_what_jax_vjp_does():
    def f(z, w):
        return {"out": jnp.conj(z) * w * z**2}

    def right(z, w, g):
        return jax.vjp(f, z, w)[1](g)

    assert ga.audit(f, Z, Z + 1, engine="jax", vjp=right).status == "pass"

    def wrong(z, w, g):
        return jax.vjp(f, z, w)[1]({"out": jnp.conj(g["out"])})

    assert ga.audit(f, Z, Z + 1, engine="jax", vjp=wrong).status == "fail"


def test_a_custom_vjp_that_forgets_to_conjugate_is_found_in_the_right_part():
    product = jax.custom_vjp(lambda z, w: z * w)
    product.defvjp(lambda z, w: (z * w, (z, w)), lambda kept, g: (g * jnp.conj(kept[1]), g * kept[0]))
    verdict = ga.audit(lambda z, w: product(z, w), Z, Z + 1, engine="jax", checks=["vjp"])
    assert verdict.status == "fail"
    assert {name.partition(".")[0] for name in failed(verdict)} == {"x0"}


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Layer:
    w: object
    b: object
    steps: int = dataclasses.field(metadata={"static": True}, default=2)


class Pair:
    def __init__(self, mean, spread):
        self.mean, self.spread = mean, spread


jax.tree_util.register_pytree_node(Pair, lambda p: ((p.mean, p.spread), None), lambda _, parts: Pair(*parts))


def moments(layer, x):
    """A registered node out of another, with a static field and an integer leaf."""
    assert isinstance(layer, Layer)
    for _ in range(layer.steps):
        x = jnp.tanh(layer.w @ x + layer.b["shift"]) * layer.b["times"]
    return Pair(jnp.mean(x), {"parts": x**2})


def layer_of(x):
    w = np.random.default_rng(3).normal(size=(4, 4))
    return Layer(w, {"shift": x, "times": 2, "unused": None}, steps=3)


def test_registered_nodes_go_in_and_come_out():
    verdict = ga.audit(moments, layer_of(W), X, engine="jax", checks=EVERY)
    assert verdict.status == "pass", verdict.message
    value = load(lambda x: moments(layer_of(W), x)).function(X)
    assert isinstance(value, Pair)
    assert isinstance(value.mean, np.ndarray)


def test_a_fault_inside_a_registered_node_is_named_by_its_field():
    def stopped(layer, x):
        return moments(Layer(layer.w, {**layer.b, "shift": jax.lax.stop_gradient(layer.b["shift"])}, 3), x)

    verdict = ga.audit(stopped, layer_of(W), X, engine="jax", checks=["vjp"])
    assert verdict.diagnosis == "zero or detached"
    assert failed(verdict) == {f"x0.b.shift[{k}]" for k in range(4)}


def test_a_claim_about_a_registered_node_comes_in_one():
    def f(layer, x):
        return jnp.sum(jnp.sin(layer.w @ x + layer.b))

    layer = Layer(np.eye(4), W)
    assert ga.audit(f, layer, X, engine="jax", gradient=jax.grad(f, (0, 1))).status == "pass"

    def wrong(layer, x):
        return (jax.grad(lambda layer: f(layer, 1.01 * x))(layer), jax.grad(f, 1)(layer, x))

    assert ga.audit(f, layer, X, engine="jax", gradient=wrong).status == "fail"
    verdict = ga.audit(f, layer, X, engine="jax", gradient=lambda layer, x: (layer.w, x))
    assert "Layer of 'w', 'b'" in verdict.message


def test_random_keys_may_stand_in_a_tree_and_come_out():
    def noisy(state, x):
        key, sub = jax.random.split(state["key"])
        return {"y": x * jax.random.normal(sub, x.shape), "key": key}

    verdict = ga.audit(noisy, {"key": jax.random.key(1), "unit": W}, X, engine="jax", checks=["vjp", "jvp"])
    assert verdict.status == "pass", verdict.message


def test_64_bits_are_on_inside_and_left_as_they_were_outside():
    seen = []

    def f(x):
        seen.append(x.dtype)
        return jnp.sum(x)

    adapted = load(f)
    assert adapted.function(X).dtype == np.float64
    assert adapted.claims["gradient"](X)[0].dtype == np.float64
    assert {str(dtype) for dtype in seen} == {"float64"}
    assert jnp.asarray(X).dtype == np.float32


def test_a_suite_that_forbids_64_bits_is_told_what_to_write(monkeypatch):
    monkeypatch.setenv("JAX_ENABLE_X64", "0")
    verdict = ga.audit(lambda x: jnp.sum(x), X, engine="jax", checks=["vjp"])
    assert verdict.status == "error"
    assert "an input has 64 bits" in verdict.message
    assert "dtype: float32" in verdict.message
    narrow = ga.audit(lambda x: jnp.sum(jnp.sin(x)), X.astype(np.float32), engine="jax", checks=["vjp"])
    assert narrow.status == "pass", narrow.message


def test_keys_integers_and_constants_are_passed_as_they_are_and_not_differentiated():
    def noisy(key, x, rows, w, scale):
        return jnp.sum((x + jax.random.normal(key, x.shape))[rows] * w) * scale

    key = jax.random.key(0)
    verdict = ga.audit(noisy, key, X, np.array([0, 3]), W[:2], 2, engine="jax", checks=["vjp", "jvp"])
    assert verdict.status == "pass", verdict.message
    (gradient,) = load(noisy, constants=(3,)).claims["vjp"](key, X, np.array([0, 3]), W[:2], 2, np.array(1.0))
    np.testing.assert_array_equal(gradient, [4.0, 0.0, 0.0, 6.0])


def test_arrays_of_jax_are_inputs_too():
    verdict = ga.audit(lambda x: jnp.sum(jnp.sin(x)), jnp.asarray(X, dtype=jnp.float32), checks=["vjp"])
    assert (verdict.status, verdict.engine) == ("pass", "jax")


def test_many_points_go_through_one_compiled_call():
    calls = []

    def f(x):
        calls.append(1)
        return jnp.sum(jnp.sin(x) * x)

    x = np.linspace(0.1, 2.0, 300)
    verdict = ga.audit(f, x, engine="jax", checks=["vjp"])
    assert verdict.status == "pass"
    assert verdict.notes == ()
    assert verdict.measures.evaluations > 600
    assert len(calls) < 60


def test_a_batch_gives_what_calls_give():
    adapted = load(lambda x, w: smooth(x[:4], w))
    rows = np.random.default_rng(0).normal(size=(4, 204))
    values = adapted.batch(Arguments.of([rows[0, :200], W]))(rows)
    for row, value in zip(rows, values, strict=True):
        total, rest = adapted.function(row[:200], row[200:])
        np.testing.assert_allclose(value, [total, *rest["products"].ravel(), rest["best"]], rtol=1e-12)


def test_a_function_that_looks_at_its_values_is_called_point_by_point_and_says_so():
    def looking(x):
        return jnp.sum(x**2) if float(x[0]) > -9 else jnp.sum(x)

    verdict = ga.audit(looking, np.linspace(0.1, 2.0, 150), engine="jax", gradient=lambda x: 2 * x)
    assert verdict.status == "pass"
    assert any("point by point" in note for note in verdict.notes)


def test_claims_of_both_libraries_are_called_with_arrays_of_their_own():
    def f(x):
        return jnp.sum(x**3)

    def by_numpy(x):
        assert isinstance(x, np.ndarray)
        return 3 * x**2

    assert ga.audit(f, X, gradient=jax.grad(f)).status == "pass"
    assert ga.audit(f, X, gradient=by_numpy).engine == "jax"
    assert ga.audit(f, X, gradient=by_numpy).status == "pass"
    assert ga.audit(f, X, gradient=jax.grad(lambda x: 1.001 * f(x))).status == "fail"


def through_another(x):
    return nested(x) + 1


def nested(x):
    def inner(y):
        return jnp.sin(y)

    return inner(x)


def on_arrays(x):
    return np.sin(x)


class Model:
    def __call__(self, x):
        return jnp.sin(x)


@pytest.mark.parametrize(
    "function",
    [
        jnp.sin,
        jax.nn.relu,
        smooth,
        nested,
        through_another,
        jax.jit(nested),
        jax.vmap(nested),
        jax.custom_vjp(nested),
        functools.partial(smooth, w=W),
        Model(),
        Model().__call__,
    ],
)
def test_functions_over_jax_are_recognised(function):
    assert engines.part("jax").recognises(function, Target("here:f"))


@pytest.mark.parametrize("function", [on_arrays, np.sin, len, 3, None])
def test_other_things_are_not(function):
    assert not engines.part("jax").recognises(function, Target("here:f"))


def test_a_suite_gives_parameters_as_a_tree(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    (tmp_path / "suite.yaml").write_text(
        "version: 1\nfunctions:\n  - function: test_engine_jax:network\n    engine: jax\n    checks: [vjp, jvp]\n"
        "    inputs:\n"
        "      params: {tree: {hidden: {items: [{items: [{shape: [5, 4]}, {shape: [5]}]}]}, head: {shape: [3, 5]}}}\n"
        "      x: {shape: [4]}\n"
    )
    (case,) = make_plan(load_suite([tmp_path / "suite.yaml"], environment={}))
    assert [given.name for given in case.inputs] == ["params.hidden.0.0", "params.hidden.0.1", "params.head", "x"]
    assert audit_case(case).status == "pass"


def test_constants_of_a_module_are_made_in_64_bits_where_the_engine_is_named(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "module_of_constants.py").write_text(
        "import jax.numpy as jnp\nW = jnp.array([0.1, 0.2])\ndef f(x):\n    return jnp.sum(W * x)\n"
    )
    found = engines.load(Target("module_of_constants:f", engine="jax"))
    assert found.function(np.array([1.0, 1.0])) == 0.1 + 0.2
    assert "JAX_ENABLE_X64" not in os.environ


def test_randomness_that_no_key_gives_is_named():
    rng = np.random.default_rng(0)
    verdict = ga.audit(lambda x: jnp.sum(x * rng.normal()), X, engine="jax", checks=["vjp"])
    assert (verdict.status, verdict.diagnosis) == ("inconclusive", "nondeterministic")


def test_loops_are_compiled_once_and_not_in_every_call():
    traced = []

    def f(x):
        def step(carry, part):
            traced.append(1)
            return jnp.sin(carry + part), None

        return jax.lax.scan(step, 0.0, x)[0]

    assert ga.audit(f, X, engine="jax", checks=["vjp"]).status == "pass"
    assert len(traced) < 30


# what is compiled


def steps(x):
    return jax.lax.scan(lambda carry, t: (0.9 * carry + jnp.sin(t), carry), 0.0, x)[0]


def halves(x):
    return jax.lax.cond(x.sum() > 0, jnp.sin, jnp.cos, x)


def layers(x):
    return jnp.sum(jax.nn.gelu(jax.nn.softmax(jnp.tanh(jnp.outer(x, x)))))


@jax.custom_vjp
def cubed(x):
    return x**3


cubed.defvjp(lambda x: (x**3, x), lambda x, cotangent: (3 * x**2 * cotangent,))


@pytest.mark.parametrize(
    ("function", "size", "compiled"),
    [
        (layers, 4, False),
        (cubed, 4, False),
        (jax.checkpoint(layers), 4, False),
        (steps, 4, True),  # called, JAX compiles a loop each time
        (halves, 4, True),
        (jax.jit(steps), 4, False),  # it is compiled already
        (lambda x: steps(x) + layers(x), 4, True),
        (layers, 1000, True),  # a million numbers in each operation
        (jax.jit(layers), 1000, False),
    ],
)
def test_a_function_is_compiled_where_calling_it_takes_longer(function, size, compiled):
    from gradaudit.engines._jax_operations import pays

    x = np.linspace(0.1, 1.0, size)
    assert {pays(function, (x,), evaluations=68) for _ in range(3)} == {compiled}
    assert pays(function, (x,), evaluations=10**6)


@pytest.mark.parametrize("function", [steps, halves, layers, cubed])
def test_compiled_or_not_a_right_derivative_passes_with_the_same_numbers_each_time(function):
    one, other = (ga.audit(function, X, engine="jax") for _ in range(2))
    assert one.status == "pass"
    assert dataclasses.replace(one.measures, duration_s=0.0) == dataclasses.replace(other.measures, duration_s=0.0)


def test_a_function_that_looks_at_its_inputs_is_called_whatever_it_takes():
    assert ga.audit(lambda x: steps(x) if x[0] > 0 else -steps(x), X, engine="jax").status == "pass"
