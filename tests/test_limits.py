"""What a claim may be off by follows the precision of what takes part, and the suite's word goes before it."""

import numpy as np
import pytest

from gradaudit import engines
from gradaudit.checks import gradient
from gradaudit.checks._ground import Ground
from gradaudit.checks._limits import Limits
from gradaudit.checks._subject import Subject
from gradaudit.engines._arguments import Arguments
from gradaudit.perturb.steps import Point
from gradaudit.plan.case import Settings, Target, Tolerance
from gradaudit.plan.precision import EPSILONS

FINEST_FIRST = sorted(EPSILONS.values())
HALVES = {"float16", "bfloat16"}


@pytest.mark.parametrize("dtype", EPSILONS)
def test_narrow_numbers_are_told_from_wide_ones_and_half_precision_from_both(dtype):
    limits = Limits.of(Settings(), epsilon=EPSILONS[dtype])
    assert limits.narrow == (dtype != "float64")
    assert limits.half_precision == (EPSILONS[dtype] / 2 if dtype in HALVES else 0.0)


def test_coarser_numbers_may_round_away_more_and_never_all():
    roundings = [Limits.of(Settings(), epsilon=epsilon).rounding for epsilon in FINEST_FIRST]
    assert roundings == sorted(roundings)
    assert all(epsilon < rounding < 0.1 for epsilon, rounding in zip(FINEST_FIRST, roundings, strict=True))


def test_what_the_suite_says_goes_before_what_the_precision_would_allow():
    limits = Limits.of(Settings(tolerance=Tolerance(rtol=0.125, atol=0.5, resolution=0.25)), epsilon=2.0**-52)
    assert (limits.rtol, limits.atol, limits.resolution) == (0.125, 0.5, 0.25)


def test_in_half_precision_a_function_is_never_quieter_than_its_own_rounding():
    x = np.array([1.0, 2.0])
    arguments = Arguments.of([x])
    differentiable = engines.adapt(
        Target("f", (("gradient", "g"),)), lambda x: float(x @ x), {"gradient": lambda x: 2 * x}
    )
    subject = Subject.examine(differentiable, arguments, Point.of(arguments.x, arguments.epsilon))
    (comparison,) = gradient.compare(subject, np.random.default_rng(0))

    def sigma(dtype):
        limits = Limits.of(Settings(), epsilon=EPSILONS[dtype])
        return Ground.of(comparison, limits, np.random.default_rng(0)).probe.sigma

    assert sigma("float64") < 1e-14
    for dtype in sorted(HALVES):
        assert sigma(dtype) == pytest.approx(EPSILONS[dtype] / 2 * 5.0 / np.sqrt(3))
