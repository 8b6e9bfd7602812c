"""The numba engine compiles what a user ships into one flat form, and says why where it calls instead."""

import math
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from numba import njit, prange
from numpy.typing import NDArray

from gradaudit.engines._arguments import Arguments
from gradaudit.engines._differentiable import Compiled, Differentiable, EngineError, flatten_output
from gradaudit.engines.numba import compiles, load, recognises
from gradaudit.perturb.kernels import sample_coordinates
from gradaudit.plan.case import Target

Array = NDArray[np.float64]
TARGET = Target("mypkg:f")
FOREVER = 10**9  #: evaluations that make compiling pay


@njit
def sine(x):
    return math.sin(x)


@njit
def layer(w, x, scale):
    return w @ x * scale, w.sum()


@njit
def picked(table, rows):
    return table[rows]


@njit
def refuses_positive(x):
    if x[0] > 0.0:
        raise ValueError("positive")
    return -x[0]


def adapt(function: Callable[..., object], **kwargs: object) -> Differentiable:
    return load(Target("mypkg:f", kwargs=tuple(kwargs.items())), function, {})


def compiled(engine: Differentiable, arguments: Arguments) -> Compiled:
    assert engine.compile is not None
    form = engine.compile(arguments, FOREVER, 1.0)
    assert form is not None, engine.notes
    return form


def values(form: Compiled, x: Array) -> Array:
    y = np.empty(form.outputs)
    assert form.function(x, y) == 0  # type: ignore[operator]
    return y


def check_both_ways_agree(engine: Differentiable, arguments: Arguments) -> None:
    """At the point and beside it, the compiled form gives what a call gives."""
    form = compiled(engine, arguments)
    for x in (arguments.x, arguments.round(arguments.x + 0.25)):
        expected, _ = flatten_output(engine.function(*arguments.at(x)))
        np.testing.assert_allclose(
            values(form, x.copy()), expected, rtol=1e-6 if arguments.epsilon.max() > 1e-10 else 1e-14
        )


def test_numbas_functions_are_recognised_and_others_are_not() -> None:
    assert recognises(sine, TARGET)
    assert not recognises(math.sin, TARGET)
    assert not recognises("sine", TARGET)


def test_asking_whether_a_function_is_numbas_does_not_import_numba() -> None:
    script = (
        "import sys, math; from gradaudit.engines import numba as engine; from gradaudit.plan.case import Target;"
        "engine.recognises(math.sin, Target('math:sin')); engine.load(Target('math:sin'), math.sin, {});"
        "sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_what_is_not_a_function_is_refused_by_name() -> None:
    with pytest.raises(EngineError, match=r"mypkg:f is str, not a function"):
        load(TARGET, "text", {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "point", [1.0, np.float64(1.0), np.array(1.0), np.float32(0.5)], ids=["float", "float64", "array", "float32"]
)
def test_scalar_functions_take_points_of_no_axes(point: object) -> None:
    check_both_ways_agree(adapt(sine), Arguments.of([point]))


def test_a_function_of_arrays_of_no_axes_gets_an_array() -> None:
    @njit
    def as_vector(x):
        return x.reshape((1,))

    check_both_ways_agree(adapt(as_vector), Arguments.of([np.array(2.0)]))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_inputs_keep_their_shapes_and_precision_and_outputs_become_flat(dtype: str) -> None:
    random = np.random.default_rng(3)
    w, x = random.normal(size=(2, 3)).astype(dtype), random.normal(size=(3, 2)).astype(dtype)
    arguments = Arguments.of([w, x, np.array(1.5, dtype)])
    engine = adapt(layer)
    assert compiled(engine, arguments).outputs == 5
    check_both_ways_agree(engine, arguments)


def test_inputs_of_mixed_precision_stand_in_one_vector() -> None:
    @njit
    def mixed(a, b):
        return a.sum() * b[0, 0]

    check_both_ways_agree(adapt(mixed), Arguments.of([np.full(3, 1 / 3, np.float32), np.array([[0.1]])]))


def test_inputs_that_are_not_differentiated_are_closed_over() -> None:
    arguments = Arguments.of([np.arange(6.0).reshape(3, 2), np.array([2, 0, 2])], names=("table", "rows"))
    assert arguments.size == 6
    check_both_ways_agree(adapt(picked), arguments)


def test_other_values_of_a_fixed_input_give_another_compiled_form() -> None:
    engine, table = adapt(picked), np.arange(3.0)
    for rows in ([0, 1], [2, 2]):
        arguments = Arguments.of([table, np.array(rows)])
        np.testing.assert_array_equal(values(compiled(engine, arguments), table), table[rows])


def test_options_of_the_case_reach_the_compiled_form() -> None:
    def power(x, p=1, shift=0.0):
        return x**p + shift

    check_both_ways_agree(adapt(power, p=3, shift=0.5), Arguments.of([np.array([1.0, 2.0])]))


def test_lists_among_the_options_are_tuples_to_numba() -> None:
    def reshaped(x, shape=None):
        return x.reshape(shape) * 2.0

    check_both_ways_agree(adapt(reshaped, shape=[2, 3]), Arguments.of([np.arange(6.0)]))


def test_an_option_whose_name_is_not_one_never_reaches_the_generated_source() -> None:
    def takes_all(x, **options):
        return x.sum()

    engine = adapt(takes_all, **{"p=__import__('os').abort()": 1})
    assert engine.compile is not None
    assert engine.compile(Arguments.of([np.ones(2)]), FOREVER, 1.0) is None
    assert "allowed are names of parameters" in engine.notes[0]


def test_one_layout_is_compiled_once() -> None:
    first = compiled(adapt(sine), Arguments.of([1.0]))
    again = compiled(adapt(sine), Arguments.of([2.0]))
    assert again.function is first.function


def test_an_exception_of_the_function_becomes_a_missing_side() -> None:
    x = np.array([-0.25])
    form = compiled(adapt(refuses_positive), Arguments.of([x]))
    steps = {"above": np.array([[0.25]]), "below": np.array([[-0.75]])}
    differences = sample_coordinates(
        form.function, x, base=np.array([0.25]), indices=np.array([0]), **steps, readout=None, sigma=np.zeros(1)
    )
    assert np.isnan(differences.rise).all()
    assert differences.fall.item() == -0.5


def test_an_index_beside_the_array_raises_in_a_python_function_as_it_does_uncompiled() -> None:
    def at_own_value(x):
        return x[int(x[0])]

    form = compiled(adapt(at_own_value), Arguments.of([np.array([1.0, 5.0])]))
    assert form.function(np.array([7.0, 5.0]), np.empty(1)) != 0  # type: ignore[operator]


def test_an_output_that_grows_is_an_exception_and_not_a_write_beside_y() -> None:
    @njit
    def grows(x):
        return np.ones(int(x[0]))

    form = compiled(adapt(grows), Arguments.of([np.array([2.0])]))
    y = np.full(4, 7.0)
    assert form.function(np.array([4.0]), y[:2]) != 0  # type: ignore[operator]
    assert form.function(np.array([1.0]), y[:2]) != 0  # type: ignore[operator]
    np.testing.assert_array_equal(y[2:], 7.0)


def test_a_function_that_writes_into_its_inputs_is_given_copies() -> None:
    @njit
    def spoils(x, rows):
        x[0] += 1.0
        rows[0] += 1
        return x[rows]

    arguments = Arguments.of([np.array([1.0, 2.0, 3.0]), np.array([0, 2])])
    form = compiled(adapt(spoils), arguments)
    x = arguments.x.copy()
    for _ in range(2):
        np.testing.assert_array_equal(values(form, x), [2.0, 3.0])
    np.testing.assert_array_equal(x, arguments.x)


def test_python_functions_compile_where_it_pays_and_say_nothing() -> None:
    def rosenbrock(x):
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    engine = adapt(rosenbrock)
    check_both_ways_agree(engine, Arguments.of([np.linspace(-1.0, 1.0, 5)]))
    assert engine.notes == []


def test_compiling_pays_only_where_calls_take_longer() -> None:
    assert compiles(1_000_000, 1e-5)
    assert not compiles(100, 1e-5)
    assert compiles(100, 1e-2, cost=0.5)
    engine = adapt(lambda x: x.sum())
    assert engine.compile is not None
    assert engine.compile(Arguments.of([np.ones(2)]), 100, 1e-5) is None
    assert engine.notes == []


def test_what_numba_cannot_compile_is_called_and_the_reason_noted_once() -> None:
    def through_text(x):
        return float(format(x[0], ".17g"))

    engine = adapt(through_text)
    assert engine.compile is not None
    for _ in range(2):
        assert engine.compile(Arguments.of([np.ones(2)]), FOREVER, 1.0) is None
    (note,) = engine.notes
    assert note.startswith("called instead of compiled: ")
    assert "format" in note


def test_a_compiled_form_that_means_something_else_does_not_stand_for_the_function() -> None:
    state = [0.0]

    def remembers(x):
        return x[0] + state[0]

    def draws(x):
        return x[0] + np.random.random()  # noqa: NPY002 (Numba has a generator of its own for this)

    for function in (remembers, draws):
        engine = adapt(function)
        state[0] = 1.0
        assert engine.compile is not None
        assert engine.compile(Arguments.of([np.ones(2)]), FOREVER, 1.0) is None
        assert "called instead of compiled" in engine.notes[0]


def test_a_parallel_function_is_called_since_its_threads_cannot_nest() -> None:
    @njit(parallel=True)
    def total(x):
        s = 0.0
        for i in prange(x.size):
            s += x[i]
        return s

    @njit
    def hides_it(x):
        return 2.0 * total(x)

    engine = adapt(hides_it)
    assert engine.compile is not None
    assert engine.compile(Arguments.of([np.ones(2)]), FOREVER, 1.0) is None
    assert "threads of its own" in engine.notes[0]


def test_claims_are_called_as_they_were_given_with_options_and_numbers() -> None:
    @njit
    def slope(x, k):
        return k * math.cos(x)

    def plain(x, k):
        return ("as given", x, k)

    engine = load(Target("mypkg:f", kwargs=(("k", 2.0),)), sine, {"gradient": slope, "vjp": plain})
    point = np.array(0.0)
    assert engine.claims["gradient"](point) == 2.0
    assert engine.claims["vjp"](point)[1] is point  # type: ignore[index]


def test_errors_inside_a_numba_function_pass_through_calls() -> None:
    with pytest.raises(ValueError, match="positive"):
        adapt(refuses_positive).function(np.array([1.0]))
