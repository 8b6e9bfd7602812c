"""All elements of a claim at once: along random directions with a certificate; where those fail, the wrong elements.

    directions → all within their bars: certificate
               → else bisect, put the found elements right, certify the rest along fresh directions, and measure the
                 found ones by the ordinary procedure, which alone says that an element fails

A direction has no tolerance relative to its own size: that would hide any single element.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradaudit.checks._certificate import enough, issue
from gradaudit.checks._comparison import Comparison
from gradaudit.checks._ground import Ground
from gradaudit.checks._lines import Line, Lines, fails, worst
from gradaudit.checks._measure import measure_along
from gradaudit.checks._search import Search
from gradaudit.checks._units import restored
from gradaudit.judge.certificate import Certificate
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.element import FAIL_FACTOR, Claim, Outcome, Rulings, reason
from gradaudit.judge.evidence import Evidence
from gradaudit.perturb.axis import Axis
from gradaudit.perturb.certificate import families
from gradaudit.perturb.localise import ENOUGH
from gradaudit.perturb.steps import Entries, Tangents
from gradaudit.plan.case import Settings

#: How often the rest is certified anew after a search.
ROUNDS = 4
#: Elements of a range that is wrong throughout that are measured, and others beside those that were found.
SHOWN, CONTROLS = 8, 4
#: So many ranges are looked into.
RANGES = 4
#: Elements that are each off by rtol, in one sign or another, may add up to this many times rtol·‖g∘u‖.
DEVIATIONS = 6.0
#: Along every direction the claim is so nearly the same multiple of the numeric derivative: it is wrong everywhere.
CONSTANT = 1e-3


def is_certified(comparison: Comparison, settings: Settings) -> bool:
    """The suite asks for directions, and there are more elements than those."""
    one_by_one = settings.directions is None or isinstance(comparison.directions, Tangents | Entries)
    return not one_by_one and len(comparison.directions) > (settings.directions or 0)


def certify(ground: Ground, settings: Settings, rng: np.random.Generator, *, seed: int) -> Evidence:
    """What ``settings.directions`` random directions of each family say about every element.

    ``seed`` is the suite's, for the record: ``rng`` draws the directions.
    """
    course = _Course(ground, settings, rng, seed)
    hollow = np.flatnonzero(~np.isfinite(ground.comparison.analytic).all(axis=1))
    if hollow.size:
        return course.one_by_one(hollow[:ENOUGH].tolist(), [])
    return course.run()


@dataclass
class _Course:
    """One comparison on its way to a certificate, or to the elements that are wrong."""

    ground: Ground
    settings: Settings
    rng: np.random.Generator
    seed: int
    elsewhere: int = 0  #: evaluations that decided nothing in the end

    def __post_init__(self) -> None:
        self.lines = Lines(self.ground)
        self.families = families(self.lines.claimed_sensitivity())

    def run(self) -> Evidence:
        """The whole way."""
        first = self._read()
        if not fails(first).any():
            return self._by_directions(first)
        found, rest = self._wrong_elements(first)
        failed = int((found.rulings.outcome == Outcome.FAIL).sum())
        if failed:
            return replace(found, certificate=rest.without(failed) if rest else None)
        self.elsewhere += found.evaluations - self.lines.gauge.evaluations - self.ground.evaluations
        self.lines.corrected.clear()
        beyond = self._beyond_tolerance(first)
        return replace(beyond, remarks=found.remarks) if beyond else self._by_directions(first)

    @property
    def _directions(self) -> int:
        assert self.settings.directions is not None
        return self.settings.directions

    def _read(self) -> list[Line]:
        """Fresh directions of every family."""
        fine = enough(self.lines, self._directions)
        return self.lines.read(self.lines.draw(self.rng, self.families, self._directions), enough=fine)

    def _issued(self, read: Sequence[Line]) -> Certificate:
        return issue(self.lines, read, directions=self._directions, seed=self.seed)

    # where directions fail

    def _wrong_elements(self, first: Sequence[Line]) -> tuple[Evidence, Certificate | None]:
        """The elements that the failure comes from, measured one by one, and what is certain of all others."""
        if wrong_everywhere(first):
            return self.one_by_one([], [(0, self.lines.count)], everywhere=True), None
        search = Search(self.lines)
        read, certificate = list(first), None
        for _ in range(ROUNDS):
            if not search.explain(read):
                break
            read = self._read()
            if not fails(read).any():
                certificate = self._issued(read)
                break
        return self.one_by_one(search.found, search.ranges), certificate

    def one_by_one(
        self, found: Sequence[int], ranges: Sequence[tuple[int, int]], *, everywhere: bool = False
    ) -> Evidence:
        """The found elements by the ordinary procedure, beside some of each range, and some others."""
        others = [] if everywhere else self.rng.integers(0, self.lines.count, CONTROLS).tolist()
        inside = [i for start, stop in ranges[:RANGES] for i in self.rng.integers(start, stop, SHOWN).tolist()]
        chosen = np.unique(np.array([*found, *inside, *others], dtype=np.intp))
        evidence = measure_along(self.ground, self._exhaustively, chosen)
        return replace(
            evidence,
            evaluations=evidence.evaluations + self.lines.gauge.evaluations,
            remarks=() if everywhere else tuple(self._remarks(ranges)),
        )

    @property
    def _exhaustively(self) -> Settings:
        return replace(self.settings, elements=None)

    def _remarks(self, ranges: Sequence[tuple[int, int]]) -> list[str]:
        name = self.ground.comparison.inputs.label
        said = [f"{name(start)} … {name(stop - 1)}" for start, stop in ranges[:SHOWN]]
        return [f"not every wrong element was singled out: there are more in {', '.join(said)}"] if said else []

    def _beyond_tolerance(self, read: Sequence[Line]) -> Evidence | None:
        """No element fails by itself: do those directions that fail by more than what each may be off by?"""
        limits = self.ground.limits
        room = limits.atol * np.sqrt(self.lines.count)
        tolerated = [DEVIATIONS * limits.rtol * line.norm + room for line in read]
        beyond = [line for line, more in zip(read, tolerated, strict=True) if line.is_off_by(more)]
        if not beyond:
            return None
        found = self._ordinarily(beyond[:ROUNDS])
        if not (found.rulings.outcome == Outcome.FAIL).any():
            return None
        if wrong_everywhere(read):
            return found
        said = (
            f"along {len(beyond)} of {len(read)} random directions it is further off than errors within rtol add up to,"
            " though no measured element fails by itself; 'elements: all' measures each"
        )
        return replace(found, recalled=(Diagnosis.SOME_ELEMENTS, said))

    def _ordinarily(self, read: Sequence[Line]) -> Evidence:
        """The ordinary procedure along directions, without a tolerance."""
        u = np.concatenate([self.lines.moves.spread(self.lines.direction(one.drawn)[None]) for one in read])
        along = replace(
            self.ground.comparison,
            directions=Tangents(self.lines.moves.point, u),
            analytic=np.array([one.analytic for one in read]),
            inputs=_names(len(read)),
            elsewhere=None,
        )
        ground = replace(self.ground, comparison=along, limits=replace(self.ground.limits, rtol=0.0))
        found = measure_along(ground, self._exhaustively, np.arange(len(read)))
        return replace(found, evaluations=found.evaluations + self.lines.gauge.evaluations + self.elsewhere)

    # where they do not

    def _by_directions(self, read: Sequence[Line]) -> Evidence:
        """The directions as rows, all passed or all undecided, as the certificate says."""
        certificate, comparison = self._issued(read), self.ground.comparison
        k, readout = worst(read)
        evidence = Evidence(
            check=comparison.check,
            inputs=_names(len(read)),
            outputs=comparison.outputs,
            directions=np.arange(len(read)),
            x=np.full(len(read), np.nan),
            claim=self._claim(read),
            rulings=_rulings(read, passed=certificate.bound <= certificate.resolution),
            witness=read[k].reading.samples,
            witness_direction=k,
            witness_readout=readout,
            evaluations=self.ground.evaluations + self.lines.gauge.evaluations + self.elsewhere,
            surroundings=self.ground.evaluations,
            certificate=certificate,
        )
        return restored(evidence, self.ground.unit)

    def _claim(self, read: Sequence[Line]) -> Claim:
        limits, probe = self.ground.limits, self.ground.probe
        return Claim(
            analytic=np.array([one.analytic for one in read]),
            largest=np.array([one.norm for one in read]),
            natural=np.ones(len(read)),
            quiet=probe.quiet,
            magnitude=probe.combined_noise(np.abs(probe.base)),
            rtol=0.0,
            resolution=limits.resolution,
            atol=0.0,
            rounding=limits.rounding,
        )


def wrong_everywhere(read: Sequence[Line]) -> bool:
    """For some readout the claim is the same multiple, not 1, of the numeric derivative along every direction."""
    analytic, numeric, bar = (
        np.array(side) for side in zip(*((one.analytic, one.reading.value, one.bar) for one in read), strict=True)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.median(analytic / numeric, axis=0)
        slack = CONSTANT * np.abs(analytic) + FAIL_FACTOR * (1 + np.abs(factor)) * bar
        proportional = (np.abs(analytic - factor * numeric) <= slack).all(axis=0) & (np.abs(factor - 1) > CONSTANT)
    return len(read) > 1 and bool((proportional & fails(read).any(axis=0)).any())


def _rulings(read: Sequence[Line], *, passed: bool) -> Rulings:
    shape = len(read), read[0].analytic.size
    return replace(
        Rulings.undecided(*shape),
        outcome=np.full(shape, Outcome.PASS if passed else Outcome.INCONCLUSIVE, dtype=np.int8),
        reason=np.full(shape, 0 if passed else reason(Diagnosis.PRECISION), dtype=np.int8),
        numeric=np.array([one.reading.value for one in read]),
        bar=np.array([one.bar for one in read]),
        # errors within rtol of each element may add up to more than the bars
        allowed=np.array([np.fmax(FAIL_FACTOR * one.bar, np.abs(one.residual)) for one in read]),
        scale=np.array([one.norm for one in read]),
        h=np.array([one.reading.h for one in read]),
    )


def _names(count: int) -> Axis:
    return Axis.numbered("random direction", count)
