import functools

import numpy as np
import pytest

import gradaudit
import gradaudit.functions as F
from gradaudit import engines
from gradaudit.engines import EngineError, tape
from gradaudit.plan.case import Target
from gradaudit.tape import Variable, primitive

X = np.array([0.5, -1.0])
W = np.array([2.0, 3.0])
COTANGENT = np.array([1.0, 10.0])

my_sin = primitive(np.sin, lambda x, cotangent: cotangent * np.cos(x), name="my_sin")
my_mul = primitive(np.multiply, lambda a, b, cotangent: (cotangent * b, cotangent * a), name="my_mul")


def product(x, w):
    return my_mul(my_sin(x), w)


def load(function, claims=None, **options):
    names = tuple((kind, "somewhere") for kind in claims or {})
    return tape.load(Target("here:f", names, kwargs=tuple(options.items())), function, claims or {})


def test_the_value_is_made_of_plain_arrays():
    value = load(product).function(X, W)
    assert type(value) is np.ndarray
    np.testing.assert_array_equal(value, np.sin(X) * W)


def test_the_derivative_is_backward():
    dx, dw = load(product).claims["vjp"](X, W, COTANGENT)
    np.testing.assert_allclose(dx, COTANGENT * W * np.cos(X))
    np.testing.assert_allclose(dw, COTANGENT * np.sin(X))


def test_one_input_has_one_gradient_and_no_tuple():
    np.testing.assert_allclose(load(my_sin).claims["vjp"](X, COTANGENT), COTANGENT * np.cos(X))


def test_each_call_starts_from_nothing():
    vjp = load(my_sin).claims["vjp"]
    np.testing.assert_array_equal(vjp(X, COTANGENT), vjp(X, COTANGENT))


def test_integers_and_options_arrive_as_they_are():
    seen = []

    def take(x, rows, scale=1.0):
        seen.append((type(x), type(rows), scale))
        return my_mul(x[rows], scale)

    gradient = load(take, scale=3.0).claims["vjp"](X, np.array([1, 1]), COTANGENT)
    assert seen == [(Variable, np.ndarray, 3.0)]
    assert gradient.tolist() == [0.0, 33.0]


def test_a_floating_array_that_is_not_differentiated_gets_no_gradient():
    target = Target("here:f", constants=(0,))
    gradient = tape.load(target, my_mul, {}).claims["vjp"](X, W, COTANGENT)
    np.testing.assert_array_equal(gradient, COTANGENT * X)


def test_several_outputs_take_a_cotangent_each():
    def both(x):
        return my_sin(x), my_mul(x, x)

    adapted = load(both)
    value = adapted.function(X)
    assert [type(part) for part in value] == [np.ndarray, np.ndarray]
    gradient = adapted.claims["vjp"](X, (COTANGENT, np.ones(2)))
    np.testing.assert_allclose(gradient, COTANGENT * np.cos(X) + 2 * X)


def test_outputs_in_nested_containers_pass():
    def nested(x):
        return {"sine": my_sin(x), "rest": [my_mul(x, x), (my_mul(x, 2.0),)]}

    verdict = gradaudit.audit(nested, X, engine="tape")
    assert verdict.status == "pass", verdict.message


def test_an_input_that_does_not_matter_has_gradient_zero():
    dx, dw = load(lambda x, w: my_sin(x)).claims["vjp"](X, W, COTANGENT)
    assert dw.tolist() == [0.0, 0.0]
    assert dx.any()


def test_a_function_that_leaves_the_tape_says_so_in_a_note():
    adapted = load(lambda x: np.sin(x.data))
    assert adapted.claims["vjp"](X, COTANGENT).tolist() == [0.0, 0.0]
    adapted.claims["vjp"](X, COTANGENT)
    assert adapted.notes == [tape.DETACHED]


def test_a_claim_of_the_users_stands_beside_the_tapes_derivative_and_wins_over_it():
    def claim(x, cotangent):
        return "claimed"

    assert load(my_sin, {"vjp": claim}).claims["vjp"](X, COTANGENT) == "claimed"
    assert set(load(my_sin, {"gradient": claim}).claims) == {"vjp", "gradient"}


def test_what_is_no_function_is_refused():
    with pytest.raises(EngineError, match="here:f is int, not a function"):
        load(3)


def uses_library(x):
    return F.sin(x)


def uses_own_primitive(x):
    return my_sin(x)


def annotated(x: Variable):
    return x


def annotated_by_name(x: "ga.Variable"):  # noqa: F821 - a name is all that is looked at
    return x


def returns_only(x) -> Variable:
    return x


def on_arrays(x):
    return np.sin(x)


class Layer:
    def __call__(self, x):
        return my_sin(x)

    def forward(self, x):
        return my_sin(x)


@pytest.mark.parametrize(
    "function",
    [
        my_sin,
        uses_library,
        uses_own_primitive,
        annotated,
        annotated_by_name,
        functools.partial(uses_library),
        functools.wraps(uses_library)(lambda *inputs: uses_library(*inputs)),
        Layer(),
        Layer().forward,
    ],
)
def test_functions_over_variables_are_recognised(function):
    assert tape.recognises(function, Target("here:f"))


@pytest.mark.parametrize("function", [on_arrays, returns_only, np.sin, len, 3, None, Layer])
def test_other_things_are_not(function):
    assert not tape.recognises(function, Target("here:f"))


def test_a_claim_leaves_functions_that_serve_arrays_too_to_others():
    claimed = Target("here:f", (("gradient", "here:g"),))
    assert not tape.recognises(uses_library, claimed)
    assert tape.recognises(annotated, claimed)
    assert tape.recognises(my_sin, claimed)


def test_the_shelf_chooses_the_tape_by_itself():
    assert engines.load(Target(f"{__name__}:uses_own_primitive")).engine == "tape"
    assert engines.load(Target(f"{__name__}:on_arrays", (("vjp", f"{__name__}:on_arrays"),))).engine == "python"


def test_an_op_whose_own_vjp_has_a_wrong_shape_fails_and_is_named():
    lazy = primitive(lambda a, b: a + b, lambda a, b, cotangent: (cotangent, cotangent), name="lazy_add")
    verdict = gradaudit.audit(lazy, np.ones((2, 3)), np.ones(3))
    assert verdict.status == "fail"
    assert verdict.diagnosis == "shape mismatch"
    assert "lazy_add" in verdict.message
