import numpy as np
import pytest

import gradaudit.functions as F
from gradaudit import ops
from gradaudit.tape import Variable

RNG = np.random.default_rng(20261123)


def test_every_op_that_has_a_vjp_is_here_and_nothing_else():
    names = dir(F)
    assert {"sin", "matmul", "mean_squared_error", "lstm_cell"} <= set(names)
    assert not [name for name in names if name.endswith("_vjp") or name.startswith("_")]
    for name in names:
        assert getattr(F, name) is not None


def test_a_function_computes_what_its_op_computes():
    x = RNG.normal(size=(2, 3))
    np.testing.assert_array_equal(F.softmax(Variable(x), axis=0).data, ops.softmax(x, axis=0))
    np.testing.assert_array_equal(F.softmax(x, axis=0), ops.softmax(x, axis=0))


@pytest.mark.parametrize(
    ("origin", "ours"),
    [
        ("Sin", "sin"),
        ("MatMul", "matmul"),
        ("MeanSquaredError", "mean_squared_error"),
        ("ReLU", "relu"),
        ("GELU", "gelu"),
        ("BroadcastTo", "broadcast_to"),
        ("SumTo", "sum_to"),
        ("GetItem", "get_item"),
        ("LogSoftmax", "log_softmax"),
        ("SoftmaxCrossEntropy", "cross_entropy"),
        ("AddC", "add"),
        ("Concat", "concat"),
    ],
)
def test_the_origins_names_find_the_same_function(origin, ours):
    assert getattr(F, origin) is getattr(F, ours)


def test_a_constant_stands_first_in_the_origins_order():
    x = Variable(4.0)
    F.SubC(1.0, x).backward()
    F.DivC(8.0, x).backward()
    assert x.grad == -1.0 - 8.0 / 16.0


@pytest.mark.parametrize(
    ("name", "meant"), [("sine", "sin"), ("MatMull", "matmul"), ("mean_square_error", "mean_squared_error")]
)
def test_an_unknown_name_suggests_the_nearest(name, meant):
    with pytest.raises(AttributeError, match=f"no function '{name}'; did you mean '{meant}'"):
        getattr(F, name)


def test_a_private_name_is_not_an_op():
    assert not hasattr(F, "__path__")
    assert not hasattr(F, "sin_vjp")


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_concat_joins_any_number_of_variables_in_order(count):
    parts = [RNG.normal(size=(2, 1 + k)) for k in range(count)]
    variables = [Variable(part) for part in parts]
    joined = F.concat(*variables, axis=-1)
    np.testing.assert_array_equal(joined.data, np.concatenate(parts, axis=-1))
    cotangent = RNG.normal(size=joined.shape)
    joined.backward(cotangent)
    np.testing.assert_array_equal(np.concatenate([x.grad for x in variables], axis=-1), cotangent)


def test_concat_takes_a_list_and_arrays_among_variables():
    x = Variable([1.0, 2.0])
    joined = F.concat([np.zeros(1), x, np.zeros(2)])
    assert joined.data.tolist() == [0.0, 1.0, 2.0, 0.0, 0.0]
    joined.backward(np.arange(5.0))
    assert x.grad.tolist() == [1.0, 2.0]


def test_concat_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="nothing to join"):
        F.concat()


# every input of an op gets the gradient that is its own, through the tape's one way of finding it


def central(f, x, h=1e-6):
    slopes = np.empty_like(x)
    for index in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[index] += h
        below[index] -= h
        slopes[index] = (f(above) - f(below)) / (2 * h)
    return slopes


def assert_gradients(function, *arrays, seed=0):
    """The tape's gradient of ⟨c, function(...)⟩ agrees with differences for every array, c random."""
    variables = [Variable(array) for array in arrays]
    output = function(*variables)
    cotangent = np.random.default_rng(seed).normal(size=output.shape)
    output.backward(cotangent)
    for k, x in enumerate(variables):

        def scalar(moved, k=k):
            return np.sum(cotangent * function(*arrays[:k], moved, *arrays[k + 1 :]))

        np.testing.assert_allclose(x.grad, central(scalar, arrays[k]), rtol=1e-6, atol=1e-8)


def normal(*shape):
    return np.random.default_rng(sum(shape) + len(shape)).normal(size=shape)


TARGETS = np.array([2, 0])
MASK = np.array([[True, False, True], [False, True, True]])

CALLS = {
    "one input": (lambda x: F.sigmoid(x), (normal(2, 3),)),
    "two inputs": (lambda a, b: F.mul(a, b), (normal(2, 3), normal(3))),
    "an integer constant before a variable": (lambda x: F.div(np.array([3, 4]), x), (normal(2) + 5,)),
    "an option by position": (lambda x: F.sum(x, -1), (normal(2, 3),)),
    "an option by keyword": (lambda x: F.sum(x, axis=0, keepdims=True), (normal(2, 3),)),
    "an option without a default": (lambda x: F.reshape(x, (3, 2)), (normal(2, 3),)),
    "class targets": (lambda x: F.cross_entropy(x, TARGETS), (normal(2, 3),)),
    "indices": (lambda x: F.embedding(x, np.array([1, 1, 0])), (normal(2, 3),)),
    "a boolean mask": (lambda x: F.mask_fill(x, MASK, -1.0), (normal(2, 3),)),
    "a floating mask": (lambda x: F.dropout(x, MASK.astype(float), 0.5), (normal(2, 3),)),
    "three inputs": (lambda q, k, v: F.attention(q, k, v), (normal(1, 2, 3), normal(1, 4, 3), normal(1, 4, 2))),
    "three inputs and an option": (lambda x, g, b: F.layer_norm(x, g, b, 1e-3), (normal(2, 3), normal(3), normal(3))),
    "several outputs": (
        lambda *inputs: F.mul(*F.lstm_cell(*inputs)),
        (normal(2, 3), normal(2, 2), normal(2, 2), normal(8, 3), normal(8, 2), normal(8)),
    ),
    "several outputs, one of them used": (
        lambda *inputs: F.lstm_cell(*inputs)[0],
        (normal(2, 3), normal(2, 2), normal(2, 2), normal(8, 3), normal(8, 2), normal(8)),
    ),
    "outputs of split": (lambda x: F.mul(*F.split(x, 2, axis=1)), (normal(2, 4),)),
}


@pytest.mark.parametrize(("function", "arrays"), CALLS.values(), ids=CALLS.keys())
def test_each_input_gets_its_own_gradient(function, arrays):
    assert_gradients(function, *arrays)


# operators and methods of Variable

OPERATORS = {
    "x + c": lambda x: x + 2,
    "c + x": lambda x: 2 + x,
    "x - c": lambda x: x - 2,
    "c - x": lambda x: 2 - x,
    "x * c": lambda x: x * 3,
    "c * x": lambda x: 3 * x,
    "x / c": lambda x: x / 3,
    "c / x": lambda x: 3 / x,
    "x ** c": lambda x: x**3,
    "c ** x": lambda x: 2**x,
    "-x": lambda x: -x,
    "array + x": lambda x: np.ones((4, 1, 3)) + x,
    "x - array": lambda x: x - np.ones((4, 1, 3)),
    "array * x": lambda x: np.arange(3.0) * x,
    "numpy scalar / x": lambda x: np.float64(3) / x,
    "x @ array": lambda x: x @ np.arange(6.0).reshape(3, 2),
    "array @ x": lambda x: np.arange(4.0).reshape(2, 2) @ x,
    "x * x": lambda x: x * x,
    "x[0]": lambda x: x[0],
    "x[:, 1:]": lambda x: x[:, 1:],
    "x[..., None]": lambda x: x[..., None],
    "x[repeated indices]": lambda x: x[[0, 1, 1, 1]],
    "x[mask]": lambda x: x[MASK],
    "x[-1, -1]": lambda x: x[-1, -1],
    "iteration": lambda x: next(iter(x)) * list(x)[1],
    "sum": lambda x: x.sum(),
    "sum over an axis": lambda x: x.sum(axis=-1, keepdims=True),
    "mean": lambda x: x.mean(axis=0),
    "reshape by numbers": lambda x: x.reshape(3, 2),
    "reshape by a tuple": lambda x: x.reshape((6,)),
    "reshape with -1": lambda x: x.reshape(-1),
    "reshape by a number of NumPy's": lambda x: x.reshape(np.prod(x.shape)),
    "reshape by an array": lambda x: x.reshape(np.array([3, 2])),
    "T": lambda x: x.T,
    "transpose by numbers": lambda x: x.transpose(1, 0),
    "transpose by a tuple": lambda x: x.transpose((-1, 0)),
}


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS.keys())
def test_an_operator_computes_as_numpy_and_differentiates(operator):
    x = np.abs(normal(2, 3)) + 0.5
    np.testing.assert_allclose(operator(Variable(x)).data, operator(x), rtol=1e-15)
    assert_gradients(lambda v: operator(v), x)


BINARY = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
}


@pytest.mark.parametrize("shapes", [((2, 3), (3,)), ((), (2, 2)), ((2, 1), (1, 3)), ((1,), (4, 1, 2))], ids=str)
@pytest.mark.parametrize("operator", BINARY.values(), ids=BINARY.keys())
def test_gradients_of_broadcast_operands_are_summed_back(operator, shapes):
    a, b = (np.asarray(np.abs(normal(*shape)) + 0.5) for shape in shapes)
    assert_gradients(operator, a, b)


@pytest.mark.parametrize(
    "key",
    [((0, 0),), ((0, 0, 1), (2, 2, 0)), (slice(None), (1, 1)), range(2), (0, range(2)), np.array(1), (None, 0, ...)],
    ids=str,
)
def test_what_an_index_takes_twice_gets_both_gradients_however_it_is_written(key):
    assert_gradients(lambda v: v[key] * v[key], normal(2, 3))


def test_a_result_of_indexing_does_not_change_with_its_source():
    x = Variable([1.0, 2.0, 3.0])
    head = x[:2]
    x.data[:] = 0
    assert head.data.tolist() == [1.0, 2.0]


def test_a_variable_as_an_index_is_refused():
    with pytest.raises(TypeError, match=r"variable\.data"):
        Variable([1.0, 2.0])[Variable(0.0)]


def test_a_variable_without_axes_cannot_be_iterated():
    with pytest.raises(TypeError, match="without axes"):
        list(Variable(1.0))
