"""Measuring a comparison: the least evaluations that let the judge decide each element.

    given steps (where the suite lists them) → express (2 evaluations) → pair (4) → sweep → densify

Each level adds samples only along those directions that the judge could not decide yet.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gradaudit.checks._comparison import Comparison, coordinate_value
from gradaudit.checks._doubt import doubt_small_failures, jumps_at_kinks
from gradaudit.checks._integral import ask_line_integrals
from gradaudit.checks._structure import moves_together, one_by_one, saved_by, together_for, what_was_found
from gradaudit.checks._units import measured_in, restored, unit_of
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.element import Claim, Mask, Outcome, Rulings, reason
from gradaudit.judge.evidence import Evidence, error_over_allowed
from gradaudit.judge.family import pass_beside_their_family
from gradaudit.judge.quick import express, pair, plain, softened
from gradaudit.judge.table import fitted, table
from gradaudit.perturb.batching import Batched
from gradaudit.perturb.noise import measure_hidden_noise, measure_noise, quantum
from gradaudit.perturb.samples import KAPPA, Array, Samples, side_by_side
from gradaudit.perturb.sampling import Kernel, Probe
from gradaudit.perturb.steps import Directions, Entries, around, given, octaves
from gradaudit.perturb.together import Coupled, Together
from gradaudit.plan.case import Settings

#: Steps are s·2^−p. Express takes the first of these, pair adds the second; both lie on the sweep's lattice.
EXPRESS, PAIR = 13.0, 10.0
#: The sweep begins with these and goes on downwards by factors of eight.
SWEEP_FIRST = (4.0, 7.0, 16.0)
SWEEP_NEXT, SWEEP_LAST, OCTAVES = 19.0, 1074.0, 3.0
#: Densifying adds the largest steps, and these octaves around the best one.
LARGEST = (0.0, 1.0, 2.0, 3.0)
AROUND = (-4.0, -3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 4.0)
#: It stops when this many directions have stayed undecided: the case is then undecided whatever the rest says.
HOPELESS = 8
#: Where nothing moves and nothing is claimed, this many directions are tried at the largest steps.
DOUBTED = 16
#: A quantum is coarse where it is more than this fraction of what the largest steps change.
COARSE = 1e-3
#: A claim further off than this many times what is allowed needs no more steps.
CLEAR = 10.0
#: The worst direction's error-against-h curve, for the reader.
CURVE = tuple(np.arange(1.0, 38.0, OCTAVES))
#: Of a case that does not pass, this many further directions have curves.
OTHERS = 4
#: Rulings before the first.
NOTHING = Rulings.undecided(0, 0)
#: Samples in memory at once: steps × directions × readouts.
BLOCK = 524_288
STEPS = 16
#: So many times more where directions move together: then each block has evaluations of its own.
TOGETHER = 16
#: Where they do, so many are densified at a time.
CHUNK = 256
#: Of entries that fail, so many outputs are searched for a quantum: where more fail, it is no rounding of one.
SEARCHED = 64
#: Noise is another one where it is so many times what was measured at first.
HIDDEN = 8.0
#: Spacing at 1 (of float64, float32, float16, bfloat16) → rtol, resolution, and what the claim's own arithmetic may
#: round away, relative to the local slope of f: of half precision, ten roundings or so.
BY_PRECISION = (
    (2.0**-52, 1e-5, 1e-3, 2.0**-40),
    (2.0**-23, 1e-4, 1e-2, 2.0**-14),
    (2.0**-10, 1e-2, 1e-1, 2.0**-7),
    (2.0**-7, 5e-2, 2.5e-1, 2.0**-4),
)
#: What has a larger spacing at 1 than this is half precision.
HALF = 1e-4
#: At most this many values are searched for a quantum.
QUANTUM_VALUES = 512


@dataclass(frozen=True)
class Limits:
    """What a claim may be off by, resolved for the precision at hand."""

    rtol: float
    resolution: float
    atol: float
    rounding: float  #: of the claim's own arithmetic, relative to the local slope of f
    narrow: bool = False  #: inputs or outputs are float32 or narrower
    half_precision: float = 0.0  #: the unit roundoff of float16 or bfloat16 where that takes part

    @classmethod
    def of(cls, settings: Settings, *, epsilon: float) -> "Limits":
        """The suite's tolerance; where it says nothing, by the precision whose spacing at 1 is ``epsilon``."""
        rtol, resolution, rounding = next(limits for spacing, *limits in BY_PRECISION if epsilon <= spacing)
        asked = settings.tolerance
        rtol = rtol if asked.rtol is None else asked.rtol
        resolution = resolution if asked.resolution is None else asked.resolution
        half = epsilon / 2 if epsilon > HALF else 0.0
        return cls(rtol, resolution, asked.atol, rounding, narrow=epsilon > BY_PRECISION[0][0], half_precision=half)


@dataclass(frozen=True)
class Ground:
    """A comparison in a unit of its own, with the noise of its function measured: what differences are taken from."""

    comparison: Comparison
    limits: Limits
    probe: Probe
    unit: float  #: what f is measured in; 1 but for extreme values
    evaluations: int  #: that the noise took, and looking for a structure in vain

    @classmethod
    def of(
        cls,
        comparison: Comparison,
        limits: Limits,
        rng: np.random.Generator,
        *,
        kernel: Kernel | None = None,
        batch: Batched | None = None,
        threads: int = 1,
    ) -> "Ground":
        """``kernel`` and ``batch`` are the compiled and the batched way to differences of the case's own function."""
        unit = unit_of(comparison.base)
        comparison = measured_in(unit, comparison)
        limits = replace(limits, atol=limits.atol / unit) if limits.atol else limits
        base = np.where(np.isfinite(comparison.base), comparison.base, np.nan)
        noise = measure_noise(comparison.nearby, comparison.directions.point, base=base, rng=rng)
        kernel, batch = (kernel, batch) if comparison.primal else (None, None)
        # what has so few bits may stand still at all steps that its noise is measured with
        sigma = np.fmax(noise.sigma, limits.half_precision * np.abs(base) / np.sqrt(3))
        probe = Probe(comparison.function, base, sigma, comparison.readout, kernel, threads, batch)
        return cls(comparison, limits, probe, unit, noise.evaluations + comparison.searched)

    def louder(self, rng: np.random.Generator) -> tuple["Ground", int]:
        """The same, with noise that another part of f had hidden, or itself; and the evaluations spent on it."""
        comparison, probe = self.comparison, self.probe
        noise = measure_hidden_noise(comparison.nearby, comparison.directions.point, base=probe.base, rng=rng)
        hidden = noise.sigma > HIDDEN * probe.sigma
        sigma = np.where(hidden, noise.sigma, probe.sigma)
        return replace(self, probe=replace(probe, sigma=sigma)) if hidden.any() else self, noise.evaluations

    def measured_by(self, together: Together | None) -> "Ground":
        """The same, with coordinates moved together, or one by one."""
        return replace(self, probe=replace(self.probe, together=together))


def measure(ground: Ground, settings: Settings, rng: np.random.Generator) -> Evidence:
    """Take differences along all directions, or the sample that the suite asks for.

    Where they depend on the scale of h, noise is looked for that another part of f had hidden, and they are taken
    again.
    """
    chosen = _chosen(len(ground.comparison.directions), settings, rng)
    evidence = _measure_by_structure(ground, settings, chosen, rng)
    if settings.method != "auto" or not _depends_on_scale(evidence.rulings):
        return evidence
    louder, spent = ground.louder(rng)
    if louder is not ground:
        again = _measure_by_structure(louder, settings, chosen, rng)
        evidence = again.after(evidence.evaluations - ground.evaluations, evidence.surroundings - ground.evaluations)
    return evidence.after(spent, spent)


def _depends_on_scale(rulings: Rulings) -> bool:
    """Nothing fails, and some element cannot be decided since its differences depend on the scale of h."""
    undecided = rulings.outcome == Outcome.INCONCLUSIVE
    by_scale = undecided & (rulings.reason == reason(Diagnosis.SCALE))
    return bool(by_scale.any() and not (rulings.outcome == Outcome.FAIL).any())


def _measure_by_structure(
    ground: Ground, settings: Settings, chosen: NDArray[np.intp], rng: np.random.Generator
) -> Evidence:
    """Where f has a structure, many directions at once; where f does not keep to it at every step, one by one."""
    known = ground.probe.together
    together = replace(known) if known else together_for(ground.comparison, ground.probe, chosen.size, rng)
    try:
        return measure_along(ground.measured_by(together), settings, chosen)
    except Coupled as broken:
        assert together is not None
        found = measure_along(ground.measured_by(one_by_one(ground.comparison, rng)), settings, chosen)
        remark = f"{broken}: every element was moved by itself"
        return replace(found, evaluations=found.evaluations + together.evaluations, remarks=(*found.remarks, remark))


def measure_along(ground: Ground, settings: Settings, chosen: NDArray[np.intp]) -> Evidence:
    """Take differences until each of the ``chosen`` directions is decided, or until no step can help."""
    comparison, probe = ground.comparison, ground.probe
    directions = comparison.directions.take(chosen)
    claim = _claim(comparison, probe, settings, ground.limits)
    if chosen.size < len(comparison.directions):
        claim = claim.take(chosen)
    rulings, climbed, extended = _climbed(probe, directions, claim, settings, slopes=comparison.worth is not None)
    evaluations = ground.evaluations + climbed
    if settings.method == "auto" and not rulings.decided.all():
        evaluations += doubt_small_failures(rulings, claim, probe, directions)
        worth = _worth(comparison, directions)
        pass_beside_their_family(
            rulings,
            claim,
            scale=directions.scale,
            family=comparison.family,
            worth=worth,
            slopes=comparison.worth is not None,
        )
        if settings.h is None or settings.extend:
            evaluations += ask_line_integrals(rulings, claim, probe, comparison, chosen)
    worst, readout = worst_element(claim, rulings)
    witness = _witness(probe, directions.take(np.array([worst])), settings, extended=extended)
    others = _others(probe, directions, claim, rulings, settings, extended=extended, spare=evaluations)
    shown = witness.evaluations + sum(samples.evaluations for _, samples in others)
    evaluations += shown
    if probe.together is not None:  # which counts what was evaluated: samples count each direction by itself
        evaluations += probe.together.evaluations - probe.together.samples
    evidence = Evidence(
        check=comparison.check,
        inputs=comparison.inputs,
        outputs=comparison.outputs,
        directions=chosen,
        x=coordinate_value(directions),
        claim=claim,
        rulings=rulings,
        witness=witness,
        witness_direction=worst,
        witness_readout=readout,
        evaluations=evaluations,
        others=others,
        surroundings=ground.evaluations + shown,
        extended=extended,
        pattern=comparison.sparse.pattern if comparison.sparse else None,
        saved=saved_by(probe.together),
        remarks=tuple(what_was_found(comparison, probe.together, chosen, rulings)),
    )
    return restored(evidence, ground.unit)


def _worth(comparison: Comparison, directions: Directions) -> Array:
    """What brings readouts that are alike to one unit: (R,), or (D, 1) of entries."""
    if comparison.worth is None:
        return np.ones(1)
    return comparison.worth[directions.output, None] if isinstance(directions, Entries) else comparison.worth


def _climbed(
    probe: Probe, directions: Directions, claim: Claim, settings: Settings, *, slopes: bool
) -> tuple[Rulings, int, bool]:
    """Rulings on all ``directions``, block by block; the evaluations spent; whether steps of our own were added."""
    count, block = len(directions), _block(probe, claim.analytic.shape[1])
    if count <= block:
        ladder = _Ladder(probe, directions, claim, settings, slopes=slopes)
        return ladder.climb(), ladder.evaluations, ladder.extended
    rulings = Rulings.undecided(*claim.analytic.shape)
    evaluations, extended = 0, False
    for start in range(0, count, block):
        part = np.arange(start, min(start + block, count))
        ladder = _Ladder(probe, directions.take(part), claim.take(part), settings, slopes=slopes)
        rulings.put(part, ladder.climb())
        evaluations += ladder.evaluations
        extended |= ladder.extended
    return rulings, evaluations, extended


def _block(probe: Probe, readouts: int) -> int:
    """How many directions are measured at once."""
    room = TOGETHER * BLOCK if moves_together(probe) else BLOCK
    return max(1, room // (STEPS * readouts))


def worst_element(claim: Claim, rulings: Rulings) -> tuple[int, int]:
    """(direction, readout) of the worst: failures before the undecided before passes, then by error ÷ allowed."""
    d, r = np.unravel_index(int(_worst_first(claim, rulings)[0]), rulings.outcome.shape)
    return int(d), int(r)


def _worst_first(claim: Claim, rulings: Rulings) -> NDArray[np.intp]:
    """Flat positions of the elements (D, R)."""
    ratio = error_over_allowed(np.abs(claim.analytic - rulings.numeric), rulings.allowed)
    rank = np.array([0, 2, 1])[rulings.outcome]
    return np.lexsort((-ratio.ravel(), -rank.ravel()))


def _others(
    probe: Probe,
    directions: Directions,
    claim: Claim,
    rulings: Rulings,
    settings: Settings,
    *,
    extended: bool,
    spare: int,
) -> tuple[tuple[int, Samples], ...]:
    """Curves of the next worst directions that did not pass, for no more evaluations than ``spare``."""
    if rulings.decided.all():
        return ()
    order = _worst_first(claim, rulings)
    bad = order[rulings.outcome.ravel()[order] != Outcome.PASS] // rulings.outcome.shape[1]
    found: list[tuple[int, Samples]] = []
    for direction in list(dict.fromkeys(bad.tolist()))[1 : 1 + OTHERS]:
        samples = _witness(probe, directions.take(np.array([direction])), settings, extended=extended)
        spare -= samples.evaluations
        if spare < 0:
            break
        found.append((direction, samples))
    return tuple(found)


def _chosen(count: int, settings: Settings, rng: np.random.Generator) -> NDArray[np.intp]:
    if settings.elements is None or settings.elements >= count:
        return np.arange(count)
    return np.sort(rng.choice(count, settings.elements, replace=False))


def _claim(comparison: Comparison, probe: Probe, settings: Settings, limits: Limits) -> Claim:
    directions, scale = comparison.directions, comparison.directions.scale[:, None]
    sensitivity = np.where(np.isfinite(comparison.analytic), np.abs(comparison.analytic) * scale, 0.0)
    largest, quiet, magnitude = (
        sensitivity.max(axis=0, initial=0.0),
        probe.quiet,
        probe.combined_noise(np.abs(probe.base)),
    )
    if isinstance(directions, Entries):
        largest, quiet, magnitude = (
            each[directions.output, None] for each in (_largest_of(directions, sensitivity), quiet, magnitude)
        )
    return Claim(
        analytic=comparison.analytic,
        largest=largest / scale,
        natural=directions.natural,
        quiet=quiet,
        magnitude=magnitude,
        rtol=limits.rtol,
        resolution=limits.resolution,
        atol=limits.atol,
        rounding=limits.rounding,
        accept_kinks=settings.kinks == "accept",
    )


def _largest_of(entries: Entries, sensitivity: Array) -> Array:
    """(m,) the largest sensitivity (E, 1) among the entries of each output that has one."""
    largest = np.zeros(int(entries.output.max(initial=-1)) + 1)
    np.maximum.at(largest, entries.output, sensitivity[:, 0])
    return largest


def _witness(probe: Probe, direction: Directions, settings: Settings, *, extended: bool) -> Samples:
    """Differences along the worst direction, for the error-against-h curve: the user's steps, ours where they count."""
    if settings.h is None:
        return probe.sample(direction, octaves(direction, np.array(CURVE)))
    samples = probe.sample(direction, given(direction, settings.h))
    if not extended:
        return samples
    ours = _new(octaves(direction, np.array(CURVE)), np.fmax(samples.ahead, samples.behind))
    return samples.and_then(probe.sample(direction, ours))


class _Ladder:
    """The levels, for one block of directions. ``todo`` are those still open, ``samples`` what is known of them.

    ``slopes`` tells that differences are taken of a gradient.
    """

    def __init__(
        self, probe: Probe, directions: Directions, claim: Claim, settings: Settings, *, slopes: bool = False
    ) -> None:
        self.probe, self.directions, self.claim, self.settings = probe, directions, claim, settings
        self.slopes = slopes
        self.rulings = NOTHING
        self.todo = np.arange(len(directions))
        self.evaluations = 0
        self.extended = False

    def climb(self) -> Rulings:
        """All levels that are needed."""
        if self.settings.method == "central":
            self._rule(plain(self._given(), self.claim))
        elif self.settings.h is None:
            self._own_steps()
        else:
            # a short list may pass a claim, but it is too weak to fail one: 8 % false alarms were measured
            self._rule(softened(table(self._given(), self.claim)))
            if self.settings.extend and self.todo.size:
                self.extended = True
                self._own_steps()
        if self.rulings.decided.all() and not self.claim.analytic.any() and not self.rulings.numeric.any():
            self._doubt_stillness()
        return self.rulings

    def _doubt_stillness(self) -> None:
        """All is zero on both sides: true of a constant, and of a quantised function that has not moved yet."""
        if self.probe.readout is not None and self.probe.base.size > 1:
            return
        self.todo = np.arange(min(len(self.directions), DOUBTED))
        samples = self._sample(self._octaves(*LARGEST, *SWEEP_FIRST[:2]))
        size = float(np.nanmax(np.abs(self.probe.base)))
        for readout in range(self.claim.analytic.shape[1]):
            step = _quantum(samples, readout)
            if self.slopes and jumps_at_kinks(samples, readout, step, size=size):
                continue
            # a few quanta are what a large step changes; the spacing of float32 would be a quantum too
            if step > COARSE * _largest_change(samples, readout):
                self.rulings.outcome[:, readout] = Outcome.INCONCLUSIVE
                self.rulings.reason[:, readout] = reason(Diagnosis.UNSEEN)

    def _own_steps(self) -> None:
        fine = self._sample(self._octaves(EXPRESS))
        fine = fine.take(self._rule(express(fine, self._claims())))
        if not self.todo.size:
            return
        both = self._sample(self._octaves(PAIR)).and_then(fine)
        both = both.take(self._rule(pair(both, self._claims())))
        if self.todo.size:
            self._densify(self._sweep(both))

    def _sweep(self, samples: Samples) -> list[tuple[int, Samples]]:
        """Descending steps until each direction is decided or noise drowns the next; returns what stayed open."""
        samples = samples.and_then(self._sample(self._octaves(*SWEEP_FIRST)))
        left: list[tuple[int, Samples]] = []
        wrong_before = np.zeros(self.rulings.outcome[self.todo].shape, dtype=bool)
        exponent = SWEEP_NEXT
        while self.todo.size:
            claim = self._claims()
            rulings = self._table(samples, claim)
            h = self._octaves(exponent)
            # where f stands still, it is only after the largest steps that a claim can be said to be wrong
            wrong = _clearly_failed(rulings, claim) & ~(rulings.numeric == 0)
            settled = rulings.decided | wrong
            # a finer step must say so too: a ripple may hide between the first ones
            done = (rulings.decided | (wrong & wrong_before) | _drowned(samples, claim, rulings, h)).all(axis=1)
            if exponent > SWEEP_LAST:
                done = np.ones_like(done)
            left += [
                (int(self.todo[d]), samples.take(np.array([d]))) for d in np.flatnonzero(done & ~settled.all(axis=1))
            ]
            self.rulings.put(self.todo, rulings)
            samples, wrong_before = samples.take(np.flatnonzero(~done)), wrong[~done]
            self.todo = self.todo[~done]
            if self.todo.size:
                samples = samples.and_then(self._sample(self._octaves(exponent)))
            exponent += OCTAVES
        return left

    def _densify(self, left: list[tuple[int, Samples]]) -> None:
        """More steps around the best one, and least-squares fits: for bars that are too wide, and for close calls."""
        if moves_together(self.probe) and len(left) > HOPELESS:
            self._densify_together(left)
            return
        hopeless, confirmed = 0, 0
        for direction, samples in left:
            still = bool((self.rulings.numeric[direction] == 0).all())
            if still and confirmed >= HOPELESS:
                continue
            self.todo = np.array([direction])
            more = self._sample(self._denser(direction, samples))
            rulings = self._table(samples.and_then(more), self._claims(), with_fits=True)
            self.rulings.put(self.todo, rulings)
            settled = (rulings.decided | _clearly_failed(rulings, self._claims())).all()
            confirmed += bool(settled and still)
            hopeless += not settled
            if hopeless >= HOPELESS:
                return

    def _densify_together(self, left: list[tuple[int, Samples]]) -> None:
        """The same steps, many directions at once; and fits for those that the steps alone do not decide."""
        for start in range(0, len(left), CHUNK):
            chunk = left[start : start + CHUNK]
            self.todo = np.array([direction for direction, _ in chunk])
            h = np.concatenate([self._denser(direction, samples) for direction, samples in chunk], axis=1)
            samples = side_by_side([samples for _, samples in chunk]).and_then(self._sample(h))
            samples = samples.take(self._rule(self._table(samples, self._claims())))
            if self.todo.size:
                rulings = self._table(samples, self._claims(), with_fits=True)
                self.rulings.put(self.todo, rulings)
                settled = rulings.decided | _clearly_failed(rulings, self._claims())
                if (~settled.all(axis=1)).sum() >= HOPELESS:
                    return

    def _denser(self, direction: int, samples: Samples) -> Array:
        """(K, 1) more steps along one direction: the largest, and those around the best one; NaN where taken."""
        alone = self.directions.take(np.array([direction]))
        known = self.rulings.h[direction][np.isfinite(self.rulings.h[direction])]
        best = float(np.median(known)) if known.size else np.nan
        h = np.concatenate([octaves(alone, np.array(LARGEST)), around(alone, best, np.array(AROUND))])
        return _new(h, np.fmax(samples.ahead, samples.behind))

    def _table(self, samples: Samples, claim: Claim, *, with_fits: bool = False) -> Rulings:
        """Rule on all samples; before any failure counts, the values are searched for a quantum."""
        decide = fitted if with_fits else table
        rulings = decide(samples, claim)
        if self.probe.readout is not None and self.probe.base.size > 1:
            return rulings
        failed = rulings.outcome == Outcome.FAIL
        if not failed.any():
            return rulings
        steps = self._quanta(samples, failed)
        if not steps.any():
            return rulings
        return decide(samples.louder(steps / np.sqrt(12)), claim)

    def _quanta(self, samples: Samples, failed: Mask) -> Array:
        """(R,) the quantum of each readout with a failure, or 0; of entries (D, 1), that of their output."""
        directions = self.directions.take(self.todo)
        if not isinstance(directions, Entries):
            failing = failed.any(axis=0)
            steps = np.zeros(failing.size)
            steps[failing] = [_quantum(samples, int(r)) for r in np.flatnonzero(failing)]
            return steps
        steps = np.zeros((len(directions), 1))
        for output in np.unique(directions.output[failed[:, 0]])[:SEARCHED]:
            mine = np.flatnonzero(directions.output == output)
            steps[mine] = _quantum(samples.take(mine), 0)
        return steps

    def _rule(self, rulings: Rulings) -> NDArray[np.intp]:
        """Record a level's rulings; which of the open directions stay open."""
        if self.rulings is NOTHING:
            self.rulings = rulings.copied()
        else:
            self.rulings.put(self.todo, rulings)
        still = np.flatnonzero(~self.rulings.decided[self.todo].all(axis=1))
        self.todo = self.todo[still]
        return still

    def _claims(self) -> Claim:
        return self.claim.take(self.todo)

    def _given(self) -> Samples:
        assert self.settings.h is not None
        return self._sample(given(self.directions, self.settings.h))

    def _octaves(self, *exponents: float) -> Array:
        return octaves(self.directions.take(self.todo), np.array(exponents))

    def _sample(self, h: Array) -> Samples:
        samples = self.probe.sample(self.directions.take(self.todo), h)
        self.evaluations += samples.evaluations
        return samples


def _clearly_failed(rulings: Rulings, claim: Claim) -> NDArray[np.bool_]:
    error = np.abs(claim.analytic - rulings.numeric)
    return np.asarray((rulings.outcome == Outcome.FAIL) & ~(error <= CLEAR * rulings.allowed))


def _drowned(samples: Samples, claim: Claim, rulings: Rulings, h: Array) -> NDArray[np.bool_]:
    """(D, R) the noise of the next step h (1, D) exceeds all that still matters, or there is no next step."""
    sigma = np.nan_to_num(np.fmax.reduce(samples.noise[-3:], axis=0))
    noise = KAPPA * sigma / h[0][:, None]
    matters = np.fmin(0.3 * np.abs(claim.analytic - rulings.numeric), np.inf)
    drowned = (noise > matters) & (noise > 0.1 * claim.resolution * rulings.scale)
    return np.asarray(drowned | np.isnan(h[0])[:, None])


def _new(h: Array, taken: Array) -> Array:
    """The steps h (K, 1) that are neither taken yet nor in h before."""
    for k in range(len(h)):
        if np.isclose(h[k], np.concatenate([taken, h[:k]]), rtol=1e-3).any():
            h[k] = np.nan
    return h


def _quantum(samples: Samples, readout: int) -> float:
    """The quantum of the values seen, or 0: what is quantised moves at one step and stands still at another.

    Only directions that do both count: the values of |x| at steps that are powers of two have a common divisor too.
    """
    rise, fall = samples.rise[..., readout], samples.fall[..., readout]
    moves = ((np.abs(rise) > 0) | (np.abs(fall) > 0)).any(axis=0)
    stops = ((rise == 0) | (fall == 0)).any(axis=0)
    if not (moves & stops).any():
        return 0.0
    rise, fall = rise[:, moves & stops], fall[:, moves & stops]
    values = np.concatenate([rise.ravel(), -fall.ravel(), [0.0]])
    return quantum(values[:: max(1, values.size // QUANTUM_VALUES)]) or max(_repeated(rise), _repeated(fall))


def _largest_change(samples: Samples, readout: int) -> float:
    changes = np.abs(np.concatenate([samples.rise[..., readout], samples.fall[..., readout]]))
    return float(np.max(changes[np.isfinite(changes)], initial=0.0))


def _repeated(change: Array) -> float:
    """The smallest change (K, D) that two steps along one direction share to the last bit, or 0."""
    size = np.sort(np.abs(change), axis=0)
    twice = size[1:][(size[1:] == size[:-1]) & (size[1:] > 0)]
    return float(twice.min()) if twice.size else 0.0
