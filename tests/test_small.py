"""A check of few elements is a few calls: they are counted, since a busy machine changes how long they take."""

import subprocess
import sys

import pytest

#: The most calls of Python and C functions, f's own among them: a few more than there are with the least versions of
#: what is installed; newer ones make fewer.
MOST = {"ga.assert_gradient(f, gradient, x)": 1090, "ga.audit(f, x, gradient=gradient)": 1820}
COUNTED = """
import sys
import numpy as np
import gradaudit as ga

def f(x):
    return float((x * np.sin(x)).sum())

def gradient(x):
    return np.sin(x) + x * np.cos(x)

def profile(frame, event, argument):
    global calls
    calls += event in ("call", "c_call")

x, calls = np.linspace(0.3, 1.7, 4), 0
{check}  # imports, and what is kept from one check to the next
sys.setprofile(profile)
{check}
sys.setprofile(None)
print(calls)
"""


@pytest.mark.parametrize("check", MOST)
def test_a_right_gradient_of_few_elements_takes_few_calls(check):
    # in a process of its own: where JAX is loaded, f may be one of its functions, and is looked at
    command = [sys.executable, "-c", COUNTED.format(check=check)]
    counted = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(counted.stdout) <= MOST[check]
