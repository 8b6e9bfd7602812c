"""A check of few elements is a few calls: they are counted, since a busy machine changes how long they take."""

import sys
from collections.abc import Callable
from types import FrameType

import numpy as np
import pytest

import gradaudit as ga

X = np.linspace(0.3, 1.7, 4)


def f(x):
    return float((x * np.sin(x)).sum())


def gradient(x):
    return np.sin(x) + x * np.cos(x)


#: Calls of Python and C functions, f's own among them; a few more than there are on Python 3.11 with NumPy 2.4.
CHECKS = {
    "assert_gradient": (1090, lambda: ga.assert_gradient(f, gradient, X)),
    "audit": (1820, lambda: ga.audit(f, X, gradient=gradient)),
}


@pytest.mark.parametrize("check", CHECKS)
def test_a_right_gradient_of_few_elements_takes_few_calls(check):
    most, run = CHECKS[check]
    run()  # imports, and what is kept from one check to the next
    assert calls_of(run) <= most


def calls_of(run: Callable[[], object]) -> int:
    """How many functions are called, of Python and of C."""
    count = 0

    def profile(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count
