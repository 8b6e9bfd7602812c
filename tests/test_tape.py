import contextvars
import gc
import signal
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gradaudit.tape import Variable, no_grad, primitive

add = primitive(np.add, lambda a, b, cotangent: (cotangent, cotangent), name="add")
mul = primitive(np.multiply, lambda a, b, cotangent: (cotangent * b, cotangent * a), name="mul")
sin = primitive(np.sin, lambda x, cotangent: cotangent * np.cos(x))
total = primitive(lambda x: x.sum(), lambda x, cotangent: np.full(x.shape, cotangent), name="total")


def _halves(x):
    middle = len(x) // 2
    return x[:middle], x[middle:]


halves = primitive(_halves, lambda x, cotangent: np.concatenate(cotangent))

numbers = st.floats(-3, 3, allow_subnormal=False)
vectors = arrays(np.float64, 3, elements=numbers)


# what a Variable holds


def test_floating_data_keep_their_dtype_and_other_numbers_become_float64():
    assert Variable(np.float32([1, 2])).dtype == np.float32
    assert Variable([1, 2]).dtype == np.float64
    assert Variable(True).data == 1.0


@pytest.mark.parametrize("data", [1j, "one", None, [object()]])
def test_data_that_are_not_real_numbers_are_refused_by_name(data):
    with pytest.raises(TypeError, match="allowed: real numbers"):
        Variable(data)


def test_a_variable_tells_its_shape_size_and_name():
    x = Variable(np.zeros((2, 3)), name="weights")
    assert (x.shape, x.ndim, x.size, len(x)) == ((2, 3), 2, 6, 2)
    assert repr(Variable([1.0, 2.5], name="w")) == "Variable([1. , 2.5], name='w')"
    assert repr(Variable(4.000000000004)) == "Variable(4.000000000004)"


@pytest.mark.parametrize("convert", [np.asarray, np.sin, np.sum, float, bool], ids=lambda f: f.__name__)
def test_nothing_turns_a_variable_into_a_number_silently(convert):
    with pytest.raises(TypeError):
        convert(Variable([1.0]))


def test_a_variable_cannot_be_made_of_another_which_would_cut_the_graph():
    with pytest.raises(TypeError, match=r"variable\.data"):
        Variable(Variable(1.0))


# the way back


def test_a_chain_multiplies_derivatives():
    x = Variable(0.5)
    sin(sin(x)).backward()
    assert x.grad == pytest.approx(np.cos(np.sin(0.5)) * np.cos(0.5), rel=1e-15)


def test_a_variable_used_twice_by_one_operation_gets_both_parts():
    x = Variable(3.0)
    mul(x, x).backward()
    assert x.grad == 6.0


def test_a_diamond_is_walked_once_through_each_side():
    x = Variable(0.7)
    y = mul(x, x)
    add(sin(y), mul(y, y)).backward()
    assert x.grad == pytest.approx((np.cos(0.49) + 2 * 0.49) * 2 * 0.7, rel=1e-14)


def test_a_ladder_of_diamonds_is_walked_once_however_many_paths_lead_through_it():
    x = Variable(1.0)
    y = x
    for _ in range(60):  # 2^60 paths
        y = mul(add(y, y), 0.5)
    y.backward()
    assert x.grad == 1.0


def test_branches_of_different_length_meet_before_they_go_on():
    x = Variable(0.3)
    y = sin(x)
    long = y
    for _ in range(5):
        long = mul(long, 2.0)
    add(y, long).backward()
    assert x.grad == pytest.approx(33 * np.cos(0.3), rel=1e-15)


def test_gradients_accumulate_over_passes_until_cleared():
    x = Variable(2.0)
    y = mul(x, x)
    y.backward()
    y.backward()
    assert x.grad == 8.0
    x.clear_grad()
    assert x.grad is None
    y.backward()
    assert x.grad == 4.0


def test_gradients_of_two_results_add_up():
    x = Variable(2.0)
    mul(x, x).backward()
    sin(x).backward()
    assert x.grad == pytest.approx(4.0 + np.cos(2.0))


def test_grad_has_the_shape_and_dtype_of_its_variable():
    x = Variable(np.float32([1, 2]))
    total(mul(x, np.array([0.1, 0.2]))).backward()
    assert x.grad.dtype == np.float32
    assert x.grad.shape == (2,)


def test_gradients_of_two_inputs_are_not_the_same_array():
    a, b = Variable([1.0, 2.0]), Variable([3.0, 4.0])
    cotangent = np.ones(2)
    add(a, b).backward(cotangent)
    a.grad *= 10
    assert b.grad.tolist() == [1.0, 1.0]
    assert cotangent.tolist() == [1.0, 1.0]


def test_constants_get_no_gradient_and_stay_as_they_are():
    constant = np.array([1.0, 2.0])
    x = Variable([3.0, 4.0])
    total(mul(constant, x)).backward()
    assert x.grad.tolist() == [1.0, 2.0]
    assert constant.tolist() == [1.0, 2.0]


def test_results_in_between_keep_gradients_only_on_request():
    x = Variable(0.5)
    y = sin(x)
    z = mul(y, y)
    z.backward()
    assert y.grad is None
    assert z.grad is None
    z.backward(retain_grad=True)
    assert y.grad == 2 * y.data
    assert z.grad == 1.0


def test_a_variable_that_nobody_computed_is_its_own_gradient():
    x = Variable([1.0, 2.0])
    x.backward([5.0, 6.0])
    assert x.grad.tolist() == [5.0, 6.0]


def test_a_single_element_of_any_shape_needs_no_cotangent():
    x = Variable([[2.0]])
    mul(x, x).backward()
    assert x.grad.tolist() == [[4.0]]


def test_several_elements_without_a_cotangent_say_what_is_allowed():
    with pytest.raises(ValueError, match=r"shape \(3,\) without a cotangent; allowed: a single element; sum it first"):
        sin(Variable(np.ones(3))).backward()


def test_a_cotangent_of_another_shape_is_refused_though_it_would_broadcast():
    with pytest.raises(ValueError, match=r"cotangent of shape \(1,\), allowed \(3,\)"):
        sin(Variable(np.ones(3))).backward([1.0])


def test_a_cotangent_may_be_a_variable():
    x = Variable([0.0, 0.0])
    sin(x).backward(Variable([2.0, 3.0]))
    assert x.grad.tolist() == [2.0, 3.0]


def test_a_vjp_that_returns_none_stops_the_way_back():
    stop = primitive(np.array, lambda x, cotangent: None, name="stop")
    x = Variable(0.5)
    mul(stop(x), x).backward()
    assert x.grad == 0.5


@given(vectors, vectors, vectors, numbers)
def test_backward_is_linear_in_its_cotangent(data, first, second, factor):
    def gradient(cotangent):
        x = Variable(data)
        mul(sin(x), add(x, 1.0)).backward(cotangent)
        return x.grad

    combined = gradient(factor * first + second)
    np.testing.assert_allclose(combined, factor * gradient(first) + gradient(second), atol=1e-12)


@given(vectors, vectors)
def test_the_gradient_of_a_sum_of_paths_is_the_sum_of_their_gradients(data, cotangent):
    def gradient(function):
        x = Variable(data)
        function(x).backward(cotangent)
        return x.grad

    both = gradient(lambda x: add(sin(x), mul(x, x)))
    np.testing.assert_allclose(both, gradient(sin) + gradient(lambda x: mul(x, x)), atol=1e-12)


steps = st.lists(st.tuples(st.sampled_from(["add", "mul", "sin"]), st.integers(0, 99), st.integers(0, 99)), max_size=15)


def _run(program, x, *, functions):
    values = [x]
    for name, i, j in program:
        operands = [values[i % len(values)], values[j % len(values)]]
        values.append(functions[name](*operands[: 1 if name == "sin" else 2]))
    return values


@given(steps, st.floats(-1, 1, allow_subnormal=False))
def test_any_graph_agrees_with_the_complex_step(program, point):
    x = Variable(point)
    with np.errstate(over="ignore", invalid="ignore"):
        values = _run(program, x, functions={"add": add, "mul": mul, "sin": sin})
        shifted = _run(program, complex(point, 1e-200), functions={"add": np.add, "mul": np.multiply, "sin": np.sin})
    assume(max(abs(z) for z in shifted) < 10)  # else sin magnifies rounding until nothing is left to compare
    values[-1].backward()
    np.testing.assert_allclose(x.grad, shifted[-1].imag / 1e-200, rtol=1e-9, atol=1e-12)


# several outputs


def test_each_of_several_outputs_goes_its_own_way_back():
    x = Variable([1.0, 2.0, 3.0, 4.0])
    left, right = halves(x)
    total(mul(left, right)).backward()
    assert x.grad.tolist() == [3.0, 4.0, 1.0, 2.0]


def test_an_output_that_was_not_used_counts_as_zero():
    x = Variable([1.0, 2.0, 3.0, 4.0])
    _, right = halves(x)
    total(right).backward()
    assert x.grad.tolist() == [0.0, 0.0, 1.0, 1.0]


def test_a_function_that_returns_a_list_gets_its_cotangents_as_a_list():
    seen = []

    def vjp(x, cotangent):
        seen.append(cotangent)
        return cotangent[0] + cotangent[1]

    first, second = primitive(lambda x: [x + 1, x + 2], vjp, name="pair")(Variable(1.0))
    add(first, second).backward()
    assert isinstance(seen[0], list)


def test_counts_and_indices_among_the_outputs_stay_arrays():
    largest = primitive(lambda x: (x.max(), x.argmax()), lambda x, cotangent: (x == x.max()) * cotangent[0], name="top")
    x = Variable([1.0, 5.0, 2.0])
    value, index = largest(x)
    assert index == 1
    assert not isinstance(index, Variable)
    value.backward()
    assert x.grad.tolist() == [0.0, 1.0, 0.0]


# without a tape


def test_no_grad_gives_results_without_memory():
    x = Variable(1.0)
    with no_grad():
        y = sin(x)
    assert y.data == np.sin(1.0)
    y.backward()
    assert x.grad is None


def test_no_grad_ends_with_its_block_even_by_an_exception():
    with pytest.raises(RuntimeError), no_grad(), no_grad():
        raise RuntimeError
    x = Variable(1.0)
    sin(x).backward()
    assert x.grad is not None


def test_no_grad_of_one_thread_does_not_reach_another():
    entered, leave = threading.Event(), threading.Event()

    def quiet():
        with no_grad():
            entered.set()
            leave.wait(10)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(quiet)
        assert entered.wait(10)
        x = Variable(1.0)
        sin(x).backward()
        leave.set()
        running.result()
    assert x.grad is not None


def test_no_grad_of_one_context_does_not_reach_another():
    x = Variable(1.0)
    with no_grad():
        contextvars.Context().run(lambda: sin(x).backward())
    assert x.grad is not None


def test_no_grad_can_decorate_a_function():
    x = Variable(1.0)
    no_grad()(sin)(x).backward()
    assert x.grad is None


# size and life


def test_a_chain_of_a_hundred_thousand_operations_runs_back_to_its_start():
    x = Variable(0.5)
    y = x
    for _ in range(100_000):
        y = add(y, 1e-6)
    y.backward()
    assert x.grad == 1.0


#: 200,000 objects in a row, each held by the next, freed on a stack of 128 KB
CHAIN = """
import threading
import numpy as np
from gradaudit.tape import Variable, primitive

class Plain:
    def __init__(self, before=None):
        self.before = (before,)

sin = primitive(np.sin, lambda x, cotangent: cotangent * np.cos(x))

def chain(first, link):
    y = first
    for _ in range(200_000):
        y = link(y)
    del y, first
    print("freed")

threading.stack_size(128 * 1024)
thread = threading.Thread(target=chain, args=ENDS)
thread.start()
thread.join()
"""


def test_freeing_a_long_chain_does_not_overflow_a_small_stack():
    if freed("(Plain(), Plain)") == -signal.SIGSEGV:
        pytest.skip("this interpreter overflows where any long chain of objects is freed: CPython 3.13 does")
    assert freed("(Variable(1.0), sin)") == 0


def freed(chain: str) -> int:
    """How a process ends that frees such a chain: an overflow would end it without an exception."""
    program = CHAIN.replace("ENDS", chain)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=False).returncode


def test_a_graph_is_freed_with_its_last_result_without_the_collector():
    gc.disable()
    try:
        x = Variable(np.ones(3))
        y = sin(x)
        inside = weakref.ref(y)
        z = total(mul(y, y))
        z.backward()
        del y
        assert inside() is not None
        del z
        assert inside() is None
    finally:
        gc.enable()


# primitives of one's own


def test_a_primitive_keeps_the_name_and_docstring_of_its_function():
    def cube(x):
        """x cubed."""
        return x**3

    lifted = primitive(cube, lambda x, cotangent: 3 * x**2 * cotangent)
    assert (lifted.__name__, lifted.__doc__) == ("cube", "x cubed.")
    assert repr(lifted) == "<primitive cube>"


def test_a_primitive_of_plain_arrays_returns_plain_arrays():
    assert type(sin(0.5)) is np.float64
    assert type(sin(np.ones(2))) is np.ndarray


def test_a_variable_passed_by_keyword_is_differentiated():
    scale = primitive(lambda x, factor: x * factor, lambda x, factor, cotangent: (cotangent * factor, cotangent * x))
    x = Variable(3.0)
    scale(2.0, factor=x).backward()
    assert x.grad == 2.0


def test_a_variable_in_the_place_of_an_option_is_refused():
    power = primitive(lambda x, n=2: x**n, lambda x, cotangent, n=2: cotangent * n * x ** (n - 1), name="power")
    with pytest.raises(TypeError, match=r"power: argument 1 is a Variable, but an option"):
        power(Variable(2.0), Variable(3.0))
    x = Variable(2.0)
    power(x, 3).backward()
    assert x.grad == 12.0
    power(x, n=1).backward()
    assert x.grad == 13.0
