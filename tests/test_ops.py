"""The shelf of ops: what it offers, how it is found, and what importing it costs."""

import ast
import inspect
import subprocess
import sys

import numba
import numpy as np
import pytest

from gradaudit import ops
from gradaudit.ops import _axes, _compiled

CORE = (
    "add sub mul div neg pow square sqrt exp log sin cos tan tanh sigmoid relu leaky_relu gelu softplus clip max min "
    "maximum minimum sum mean variance sum_to broadcast_to reshape transpose squeeze unsqueeze concat split get_item "
    "matmul linear linear_bias logsumexp mask_fill"
)


def test_every_op_stands_beside_its_vjp():
    functions = {name for name in ops.__all__ if not name.endswith("_vjp")}
    assert {f"{name}_vjp" for name in functions} == set(ops.__all__) - functions


def test_the_vjp_takes_the_cotangent_between_the_arrays_and_the_same_options():
    for name in ops.__all__:
        if not name.endswith("_vjp"):
            function = list(inspect.signature(getattr(ops, name)).parameters.values())
            vjp = list(inspect.signature(getattr(ops, f"{name}_vjp")).parameters.values())
            where = [p.name for p in vjp].index("cotangent")
            assert [str(p) for p in vjp[:where] + vjp[where + 1 :]] == [str(p) for p in function], name


@pytest.mark.parametrize("name", CORE.split())
def test_the_core_functions_are_there_and_documented(name):
    assert getattr(ops, name).__doc__
    assert getattr(ops, f"{name}_vjp").__doc__


def test_importing_ops_imports_no_compiler():
    code = "import sys, gradaudit.ops; print('numba' in sys.modules, 'scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_an_unknown_op_is_refused_with_a_suggestion():
    with pytest.raises(AttributeError, match="has no op 'sigmod'; did you mean 'sigmoid'"):
        ops.sigmod  # noqa: B018


def test_an_op_can_be_jitted_itself():
    x = np.array([[0.5, 1.0]])
    np.testing.assert_allclose(numba.njit(ops.sin)(x), np.sin(x))
    assert numba.njit(ops.sum)(x) == 1.5


def test_registering_twice_changes_nothing():
    _compiled.register()
    known = len(_compiled._registered)
    _compiled.register()
    assert len(_compiled._registered) == known > 0


def test_a_bad_shape_raises_inside_compiled_code_too():
    @numba.njit
    def product(a, b):
        return ops.matmul(a, b)

    with pytest.raises(ValueError, match=r"matmul: allowed: .* with equal k"):
        product(np.ones((2, 3)), np.ones((2, 3)))


def refusals(module):
    """(place, what is allowed) of each refusal that stands in a module."""
    calls = (node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.Call))
    refusing = (node.args for node in calls if getattr(node.func, "id", "") == "refuse")
    return {(place.value, allowed.value) for place, _, allowed in refusing}


def test_what_compiled_code_refuses_it_says_in_the_words_of_plain_python():
    assert refusals(_compiled)
    assert refusals(_compiled) <= refusals(_axes)


def test_a_jitted_function_may_compose_ops_and_loops():
    @numba.njit
    def norm(x):
        total = ops.mul(0.0, ops.sum(x))
        for k in range(x.shape[0]):
            total = ops.add(total, ops.square(x[k]))
        return ops.sqrt(total)

    assert norm(np.array([3.0, 4.0])) == 5.0
