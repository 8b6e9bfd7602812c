"""Engine ``autograd``: HIPS autograd's own rules and the user's, with faults planted into the latter."""

import functools

import numpy as onp
import pytest

import gradaudit as ga
from gradaudit import engines
from gradaudit.plan.case import Target

pytest.importorskip("autograd", reason="the engine 'autograd' needs autograd")

import autograd.numpy as np
from autograd import grad, make_vjp
from autograd.extend import defjvp, defvjp, defvjp_argnums, primitive
from autograd.tracer import getval, isbox

X = onp.array([0.5, -1.0, 2.0, 0.25])
W = onp.array([2.0, 3.0, -1.0, 0.7])
EVERY = "vjp", "jvp", "gradient", "hvp", "primal"


@primitive
def softplus(x):
    return onp.log1p(onp.exp(-onp.abs(x))) + onp.maximum(x, 0.0)


defvjp(softplus, lambda out, x: lambda g: g * onp.exp(x - out))


def smooth(x, w):
    return np.sum(np.tanh(x * w)), {"products": np.outer(x, w)}


def load(function, claims=None, **options):
    names = tuple((kind, "somewhere") for kind in claims or {})
    return engines.part("autograd").load(Target("here:f", names, **options), function, claims or {})


def planted(rule, forward=None):
    """x·w by a primitive with these rules: of both arguments backwards, of both forwards."""
    product = primitive(lambda x, w: x * w)
    defvjp(product, *rule)
    if forward:
        defjvp(product, *forward)
    return lambda x, w: np.sum(np.sin(product(x, w)))


RIGHT = (lambda out, x, w: lambda g: g * w), (lambda out, x, w: lambda g: g * x)
FORWARD = (lambda g, out, x, w: g * w), (lambda g, out, x, w: g * x)


def failed(verdict):
    return {element.input for element in verdict.elements if element.status == "fail"}


def test_all_four_derivatives_of_a_smooth_function_pass():
    verdict = ga.audit(smooth, X, W, engine="autograd", checks=EVERY)
    assert verdict.status == "pass", verdict.message
    assert verdict.notes == ()


def test_right_rules_pass_backwards_and_forwards():
    assert ga.audit(planted(RIGHT, FORWARD), X, W, engine="autograd", checks=EVERY).status == "pass"


def test_without_a_forward_rule_the_check_is_left_out_with_a_note():
    verdict = ga.audit(planted(RIGHT), X, W, engine="autograd", checks=["vjp", "jvp"])
    assert verdict.status == "pass"
    assert any("jvp is left out" in note and "JVP" in note for note in verdict.notes)


def test_a_wrong_element_in_a_vjp_is_found_in_the_right_input():
    def spoiled(out, x, w):
        return lambda g: g * w * onp.array([1, 1, 1.001, 1])

    verdict = ga.audit(planted((spoiled, RIGHT[1])), X, W, engine="autograd", checks=["vjp"])
    assert (verdict.status, verdict.diagnosis) == ("fail", "one element wrong")
    assert failed(verdict) == {"x0[2]"}


def test_a_wrong_sign_in_the_second_argument_is_found_there():
    rule = (RIGHT[0], lambda out, x, w: lambda g: -g * x)
    verdict = ga.audit(planted(rule), X, W, engine="autograd", checks=["vjp"])
    assert verdict.diagnosis == "wrong sign"
    assert failed(verdict) == {f"x1[{k}]" for k in range(4)}


def test_a_rule_that_ignores_what_comes_in_fails():
    rule = (lambda out, x, w: lambda g: w + 0 * g, RIGHT[1])
    assert ga.audit(planted(rule), X, W, engine="autograd", checks=["vjp"]).status == "fail"


@pytest.mark.parametrize("check", ["vjp", "gradient", "hvp"])
def test_a_rule_that_gives_another_shape_fails_though_it_would_broadcast(check):
    columns = primitive(lambda x: onp.sum(x, axis=0))
    defvjp(columns, lambda out, x: lambda g: g)
    verdict = ga.audit(columns, onp.outer(X, W), engine="autograd", checks=[check])
    assert (verdict.status, verdict.diagnosis) == ("fail", "shape mismatch")
    assert "for x has shape (4,); allowed: (4, 4)" in verdict.message


@pytest.mark.parametrize("check", ["vjp", "gradient"])
def test_a_rule_that_does_not_sum_over_a_broadcast_axis_fails_in_that_input(check):
    plus = primitive(lambda x, b: x + b)
    defvjp(plus, lambda out, x, b: lambda g: g, lambda out, x, b: lambda g: g)
    verdict = ga.audit(plus, onp.outer(X, W), W, engine="autograd", checks=[check])
    assert (verdict.status, verdict.diagnosis) == ("fail", "broadcast not summed")
    assert "for x1 has shape (4, 4)" in verdict.message


def test_a_rule_for_both_arguments_at_once_that_swaps_them_is_found():
    product = primitive(lambda x, w: x * w)

    def rule(argnums, out, inputs, options):
        given = inputs if len(argnums) == 2 else [inputs[1 - k] for k in argnums]  # right for each by itself
        return lambda g: [g * value for value in given]

    defvjp_argnums(product, rule)
    verdict = ga.audit(product, X, W, engine="autograd", checks=["vjp"])
    assert (verdict.status, verdict.diagnosis) == ("fail", "swapped")


def test_a_wrong_forward_rule_is_found_though_the_backward_rule_is_right():
    function = planted(RIGHT, (FORWARD[0], lambda g, out, x, w: 1.01 * g * x))
    assert ga.audit(function, X, W, engine="autograd", checks=["vjp"]).status == "pass"
    verdict = ga.audit(function, X, W, engine="autograd", checks=["jvp"])
    assert verdict.status == "fail"
    assert {name.partition("[")[0] for name in failed(verdict) if not name.startswith("tangent")} == {"x1"}


def test_a_rule_whose_own_derivative_is_wrong_fails_at_second_order_only():
    cube = primitive(lambda x: x**3)
    square = primitive(lambda x: x**2)
    defvjp(cube, lambda out, x: lambda g: g * 3 * square(x))
    defvjp(square, lambda out, x: lambda g: g * x)  # half

    def f(x):
        return np.sum(cube(x))

    assert ga.audit(f, X, engine="autograd", checks=["vjp"]).status == "pass"
    assert ga.audit(f, X, engine="autograd", checks=["hvp"]).status == "fail"


def softmax(x):
    weight = np.exp(x - np.max(x))
    return weight / np.sum(weight)


@pytest.mark.parametrize("function", [softmax, lambda x: (x / np.sum(x**2) ** 0.5, x), lambda x: (x - np.mean(x)) ** 2])
def test_second_derivatives_that_cancel_in_a_sum_of_outputs_are_decided(function):
    verdict = ga.audit(function, X, engine="autograd", checks=["hvp"])
    assert verdict.status == "pass", verdict.message


def without_trace(x):
    return without_trace(getval(x)) if isbox(x) else x


def test_a_second_derivative_that_is_wrong_fails_where_the_sum_of_outputs_is_constant():
    def rule(y, x):
        frozen = softmax(without_trace(x))  # right once, and constant when it is differentiated again
        return lambda g: frozen * (g - np.sum(frozen * g))

    cut = primitive(softmax)
    defvjp(cut, rule)
    assert ga.audit(cut, X, engine="autograd", checks=["vjp"]).status == "pass"
    assert ga.audit(cut, X, engine="autograd", checks=["hvp"]).status == "fail"


def test_a_second_derivative_by_a_claimed_gradient_is_of_the_sum_that_it_is_the_gradient_of():
    claims = {"gradient": onp.cos, "hvp": lambda x, v: -onp.sin(x) * v}
    verdict = ga.audit(np.sin, X, engine="autograd", checks=["hvp"], **claims)
    assert verdict.status == "pass", verdict.message


@pytest.mark.parametrize("check", ["vjp", "jvp", "gradient", "hvp"])
def test_a_linear_function_passes_in_silence(check):
    assert ga.audit(lambda x: np.dot(W, x), X, engine="autograd", checks=[check]).status == "pass"


def test_containers_go_in_and_come_out():
    def layers(params, x):
        for layer in params["layers"]:
            x = np.tanh(np.dot(layer[0], x) + layer[1])
        return {"y": x, "penalty": sum(np.sum(layer[0] ** 2) for layer in params["layers"])}

    rng = onp.random.default_rng(3)
    params = {"layers": [(rng.normal(size=(3, 4)), rng.normal(size=3)), (rng.normal(size=(2, 3)), rng.normal(size=2))]}
    assert ga.audit(layers, params, X, engine="autograd", checks=EVERY).status == "pass"


Z = onp.array([0.5 - 1.0j, 2.0 + 0.25j, -1.5 + 0.75j])


def squares(z, w):
    """A real function of complex numbers."""
    return np.sum(np.abs(z * w) ** 2 + 3 * np.imag(z))


def test_real_functions_of_complex_inputs_pass_by_every_check():
    verdict = ga.audit(squares, Z, W[:3], engine="autograd", checks=EVERY)
    assert verdict.status == "pass", verdict.message


def test_gradients_by_complex_inputs_are_those_of_autograd_and_no_others():
    def right(z, w):
        return grad(squares)(z, w), grad(squares, 1)(z, w)

    def other(z, w):
        return onp.conj(grad(squares)(z, w)), grad(squares, 1)(z, w)

    assert ga.audit(squares, Z, W[:3], engine="autograd", gradient=right).status == "pass"
    verdict = ga.audit(squares, Z, W[:3], engine="autograd", gradient=other)
    assert failed(verdict) == {f"x0.im[{k}]" for k in range(3)}


def test_holomorphic_functions_pass_by_every_check_and_their_derivative_is_a_jvp():
    def f(z):
        return np.exp(z) * z

    def slope(z):
        return onp.exp(z) * (z + 1)

    verdict = ga.audit(f, Z, engine="autograd", checks=EVERY)
    assert verdict.status == "pass", verdict.message
    assert ga.audit(f, Z, engine="autograd", jvp=lambda z, t: slope(z) * t).status == "pass"
    assert ga.audit(f, Z, engine="autograd", jvp=lambda z, t: onp.conj(slope(z)) * t).status == "fail"


def test_a_claimed_vjp_of_complex_outputs_gets_and_gives_what_autograd_does():
    def f(z):
        return {"out": np.exp(np.conj(z)), "size": np.abs(z)}

    def right(z, g):
        return make_vjp(lambda z: np.exp(np.conj(z)))(z)[0](g["out"]) + make_vjp(np.abs)(z)[0](g["size"])

    assert ga.audit(f, Z, engine="autograd", vjp=right).status == "pass"
    wrong = ga.audit(f, Z, engine="autograd", vjp=lambda z, g: right(z, {**g, "out": onp.conj(g["out"])}))
    assert wrong.status == "fail"


def test_a_vjp_that_forgets_to_conjugate_is_found():
    product = primitive(lambda z: onp.conj(z) * 2)
    defvjp(product, lambda out, z: lambda g: 2 * g)
    assert ga.audit(lambda z: product(z), Z, engine="autograd", checks=["vjp"]).status == "fail"


def test_the_check_batch_is_left_out_with_a_note():
    verdict = ga.audit(smooth, X, W, engine="autograd", checks=["vjp", "batch"])
    assert verdict.status == "pass"
    assert any("batch is left out: engine 'autograd' offers no batched derivative" in note for note in verdict.notes)


def test_a_function_that_leaves_autograd_says_so_in_a_note_and_fails():
    def detached(x):
        return float((x._value if hasattr(x, "_value") else x) @ W)

    verdict = ga.audit(detached, X, engine="autograd", checks=["vjp"])
    assert (verdict.status, verdict.diagnosis) == ("fail", "zero or detached")
    assert verdict.notes == (engines.part("autograd").DETACHED,)


def test_an_input_without_influence_beside_one_with_is_no_detached_result():
    verdict = ga.audit(lambda x, w: np.sin(w), X, W, engine="autograd", checks=["vjp", "gradient", "jvp", "hvp"])
    assert verdict.status == "pass", verdict.message
    assert verdict.notes == ()


def test_float32_is_judged_as_float32():
    verdict = ga.audit(smooth, X.astype(onp.float32), W.astype(onp.float32), engine="autograd", checks=["vjp"])
    assert verdict.status == "pass"


def test_constants_and_integers_are_passed_as_they_are():
    def picked(x, rows, w):
        return np.sum(x[rows] * w)

    adapted = load(picked, constants=(2,))
    (gradient,) = adapted.claims["vjp"](X, onp.array([0, 0, 1, 3]), W, onp.array(1.0))
    onp.testing.assert_array_equal(gradient, [5.0, -1.0, 0.0, 0.7])


def test_a_claim_of_the_users_wins_over_autograds_own():
    assert load(smooth, {"vjp": lambda *inputs: "claimed"}).claims["vjp"](X, W, None) == "claimed"


def nested(x):
    def inner(y):
        return np.sin(y)

    return inner(x)


def through_another(x):
    return nested(x) + 1


def on_arrays(x):
    return onp.sin(x)


class Model:
    def __call__(self, x):
        return np.sin(x)


@pytest.mark.parametrize(
    "function", [np.sin, softplus, smooth, nested, through_another, functools.partial(smooth, w=W), Model()]
)
def test_functions_over_autograds_numpy_are_recognised(function):
    assert engines.part("autograd").recognises(function, Target("here:f"))


@pytest.mark.parametrize("function", [on_arrays, onp.sin, len, 3, None])
def test_other_things_are_not(function):
    assert not engines.part("autograd").recognises(function, Target("here:f"))


def test_a_claim_about_such_a_function_is_what_is_audited():
    assert ga.audit(through_another, X, vjp=lambda x, g: g * onp.cos(x)).engine == "python"
    assert ga.audit(through_another, X).engine == "autograd"
