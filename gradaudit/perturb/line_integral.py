"""A check without a step: the change of f along a segment through x, beside the integral of a claimed slope over it.

    f(x + a·v) − f(x − b·v)  =  ∫ g(x + t·v)·v dt over −b … a

The noise of f is divided by the length of the segment instead of a small h, and averaged over many segments of nearly
that length. The claim is called on a Chebyshev grid and integrated exactly between its values (Clenshaw and Curtis, "A
method for numerical integration on an automatic computer", Numer. Math. 2, 1960).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from gradaudit.perturb.samples import KAPPA, Array, Samples

#: Intervals of the grid: the first rule, and the last; each has every node of the one before.
COARSEST, FINEST = 8, 64
#: The rules are compared at so many places.
PLACES = 16
#: The segments' half lengths lie between this fraction of the longest and all of it.
SHORTEST = 0.75


@dataclass(frozen=True)
class Antiderivative:
    """The integral of a slope (R readouts) from the middle of [−reach, reach] to any place in it."""

    reach: float
    fine: Array  #: (N + 2, R) Chebyshev coefficients of the integral, in units of ``reach``,
    coarse: Array  #: and those by the rule with half the intervals

    @classmethod
    def of(cls, slope: Callable[[float], Array | None], reach: float, *, precise: float) -> "Antiderivative | None":
        """Integrate ``slope`` (t -> (R,)), with as many nodes as make its mean over the segment right to ``precise``.

        None where the slope has no finite value at some node, or the finest rule is not precise: it is not smooth here.
        """
        known: dict[float, Array] = {}
        intervals = COARSEST
        while intervals <= FINEST:
            for node in _nodes(intervals):
                if node not in known:
                    value = slope(reach * node)
                    if value is None or not np.isfinite(value).all():
                        return None
                    known[node] = value
            fine, coarse = (
                _integrated(np.array([known[node] for node in _nodes(count)])) for count in (intervals, intervals // 2)
            )
            found = cls(reach, fine, coarse)
            # not at the ends alone, where the errors of both rules may cancel
            ends = reach * np.linspace(SHORTEST / 2, 1, PLACES)
            _, error = found.between(-ends, ends)
            if (error <= 2 * ends[:, None] * precise).all():
                return found
            intervals *= 2
        return None

    def mean(self, reach: float) -> Array:
        """(R,) the mean slope over [−reach, reach]."""
        integral, _ = self.between(np.array([-reach]), np.array([reach]))
        return np.asarray(integral[0] / (2 * reach))

    def between(self, low: Array, high: Array) -> tuple[Array, Array]:
        """The integrals (K, R) from low (K,) to high (K,), and how far the rule with half the nodes is from them."""

        def by(coefficients: Array) -> Array:
            ends = (chebyshev.chebval(end / self.reach, coefficients).T for end in (high, low))
            return self.reach * np.subtract(*ends)

        integral = by(self.fine)
        return integral, np.abs(integral - by(self.coarse))


@dataclass(frozen=True)
class Discrepancy:
    """How far the mean slope of f over segments around x is from the mean claimed slope: (R,) arrays."""

    value: Array  #: mean of f's slope minus the claimed one
    bar: Array  #: of ``value``: noise and quadrature
    claimed: Array  #: mean claimed slope
    reach: float  #: half the length of the longest segment


def discrepancy(
    sample: Callable[[Array], Samples], claimed: Antiderivative, reach: float, *, segments: int
) -> Discrepancy | None:
    """Compare f with ``claimed`` over segments of nearly the half length ``reach``; None where f has no value.

    ``sample`` takes steps (K, 1), as a Probe does along one direction.
    """
    steps = reach * (1 - (1 - SHORTEST) * np.arange(segments) / segments)
    samples = sample(steps[:, None])
    change, noise = (samples.rise + samples.fall)[:, 0], samples.noise[:, 0]
    if not np.isfinite(change).all():
        return None
    ahead, behind = samples.ahead[:, 0], samples.behind[:, 0]
    width = (ahead + behind)[:, None]
    integral, quadrature = claimed.between(-behind, ahead)
    each = (change - integral) / width  # (K, R): one segment's mean error of the claim
    value = each.mean(axis=0)
    expected = KAPPA * np.mean(2 * noise / width, axis=0)
    # errors of f that its noise does not explain: each segment has its own share of them
    seen = KAPPA * np.sqrt(2) * each.std(axis=0, ddof=1)
    bar = np.fmax(expected, seen) / np.sqrt(segments) + np.mean(quadrature / width, axis=0)
    return Discrepancy(value, bar, (integral / width).mean(axis=0), reach)


def _nodes(intervals: int) -> Array:
    """cos(πk/N) for k = 0 … N: the extrema of a Chebyshev polynomial; rules of 2N have the same floats."""
    quarter = np.sin(np.pi / 2 * np.arange(-intervals, intervals + 1, 2) / intervals)
    return np.asarray(quarter)


def _integrated(values: Array) -> Array:
    """Chebyshev coefficients (N + 2, R) of the integral of the interpolant through ``values`` (N + 1, R)."""
    count = len(values) - 1
    # the nodes rise with k, so that the angle falls
    angle = np.pi * (1 - np.arange(count + 1) / count)
    weight = np.full(count + 1, 2.0 / count)
    weight[[0, -1]] /= 2
    transform = np.cos(np.arange(count + 1)[:, None] * angle) * weight
    transform[[0, -1]] /= 2
    return chebyshev.chebint(transform @ values, axis=0)
