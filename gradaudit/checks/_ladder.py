"""The levels by which directions are decided, each on more differences than the one before:

    given steps (where the suite lists them) → express (2 evaluations) → pair (4) → sweep → densify

Each level adds samples only along those directions that the judge could not decide yet.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradaudit.checks._doubt import jumps_at_kinks
from gradaudit.checks._ground import AUDIBLE, BENT
from gradaudit.checks._quantum import goes_in_steps, quantum_of, typical_change
from gradaudit.checks._silence import Silence
from gradaudit.checks._structure import moves_together
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.element import Claim, Mask, Outcome, Rulings, reason
from gradaudit.judge.family import is_small_beside_its_family
from gradaudit.judge.quick import express, pair, plain, softened
from gradaudit.judge.table import fitted, table
from gradaudit.perturb.samples import KAPPA, Array, Samples, side_by_side
from gradaudit.perturb.sampling import Probe
from gradaudit.perturb.steps import Directions, Entries, around, given, octaves, untaken
from gradaudit.plan.case import Settings

#: Steps are s·2^−p. Express takes the first of these, pair adds the second; both lie on the sweep's lattice.
EXPRESS, PAIR = 13.0, 10.0
#: A step about as short as the lines along which noise is measured, and no power of two, as all others are.
SHORT = 30.5
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
#: A quantum is coarse where it is more than this fraction of what the largest steps change, mostly.
COARSE = 1e-3
#: A claim further off than this many times what is allowed needs no more steps but one:
CLEAR = 10.0
#: as fine as leaves the discrepancy this many times as large as the noise.
LOUD = 256.0
#: Rulings before the first.
NOTHING = Rulings.undecided(0, 0)
#: Where directions move together, so many are densified at a time.
CHUNK = 256
#: Of entries that fail, so many outputs are searched for a quantum: where more fail, it is no rounding of one.
SEARCHED = 64


class Ladder:
    """The levels, for one block of directions. ``todo`` are those still open, ``samples`` what is known of them.

    ``slopes`` tells that differences are taken of a gradient; ``doubtful`` that the first levels have passed what does
    not hold on a much shorter line: then the sweep decides, with a step about as short.
    """

    def __init__(
        self,
        probe: Probe,
        directions: Directions,
        claim: Claim,
        settings: Settings,
        *,
        slopes: bool = False,
        doubtful: bool = False,
    ) -> None:
        self.probe, self.directions, self.claim, self.settings = probe, directions, claim, settings
        self.slopes, self.doubtful = slopes, doubtful
        self.rulings = NOTHING
        self.todo = np.arange(len(directions))
        self.evaluations = 0
        self.extended = False
        self.noise = np.zeros(claim.analytic.shape[1])  #: (R,) that samples alone have told, of what stands still
        self.silence = Silence.of(claim, entries=isinstance(directions, Entries))

    def climb(self) -> Rulings:
        """All levels that are needed."""
        if self.settings.method == "central":
            self._rule(plain(self._given(), self.claim))
        elif self.doubtful:
            self.extended = self.settings.h is not None
            self._by_a_short_step()
        elif self.settings.h is None:
            self._own_steps()
        else:
            # a short list may pass a claim, but it is too weak to fail one: 8 % false alarms were measured
            self._rule(softened(table(self._given(), self.claim)))
            if self.settings.extend and self.todo.size:
                self.extended = True
                self._own_steps()
        moved = np.count_nonzero(self.claim.analytic) or np.count_nonzero(self.rulings.numeric)
        if self.rulings.all_decided and not moved:
            self._doubt_stillness()
        if self.silence is not None:
            self.noise = np.fmax(self.noise, self.silence.doubt(self.rulings, self.claim))
        return self.rulings

    def _doubt_stillness(self) -> None:
        """All is zero on both sides: true of a constant, and of a quantised function that has not moved yet."""
        if self.probe.readout is not None and self.probe.base.size > 1:
            return
        self.rulings = self.rulings.copied()
        self.todo = np.arange(min(len(self.directions), DOUBTED))
        samples = self._sample(self._octaves(*LARGEST, *SWEEP_FIRST))
        size = float(np.nanmax(np.abs(self.probe.base)))
        for readout in range(self.claim.analytic.shape[1]):
            step = quantum_of(samples, readout, size=self._size(readout))
            if self.slopes and jumps_at_kinks(samples, readout, step, size=size):
                continue
            # a few quanta are what a large step changes; the spacing of float32 would be a quantum too
            if step > COARSE * typical_change(samples, readout) and goes_in_steps(samples, readout, step):
                self.rulings.outcome[:, readout] = Outcome.INCONCLUSIVE
                self.rulings.reason[:, readout] = reason(Diagnosis.UNSEEN)
                self.noise[readout] = step / np.sqrt(12)

    def _own_steps(self) -> None:
        fine = self._sample(self._octaves(EXPRESS))
        still = self._rule(express(fine, self._claims()))
        if not still.size:
            return
        both = self._sample(self._octaves(PAIR)).and_then(fine.take(still))
        both = both.take(self._rule(pair(both, self._claims())))
        if self.todo.size:
            self._densify(self._sweep(both))

    def _by_a_short_step(self) -> None:
        """The sweep without the levels before it; what differences at a short step speak against does not pass."""
        short = self._sample(self._octaves(SHORT))
        self._rule(Rulings.undecided(*self.claim.analytic.shape))
        self._densify(self._sweep(short.and_then(self._sample(self._octaves(PAIR, EXPRESS)))))
        against = self.rulings.decided & _contradicts(short, self.claim)
        against &= ~(self.rulings.h < short.h[-1])  # it is itself too long for what passes by shorter ones
        self.rulings.outcome[against] = Outcome.INCONCLUSIVE
        self.rulings.reason[against] = reason(Diagnosis.SCALE)

    def _sweep(self, samples: Samples) -> list[tuple[int, Samples]]:
        """Descending steps until each direction is decided or noise drowns the next; returns what stayed open."""
        samples = samples.and_then(self._sample(self._first_of_the_sweep()))
        left: list[tuple[int, Samples]] = []
        wrong_before = np.zeros(self.rulings.outcome[self.todo].shape, dtype=bool)
        confirmed = np.zeros(len(self.directions), dtype=bool)  #: directions with a step as fine as can be heard
        exponent = SWEEP_NEXT
        while self.todo.size:
            claim = self._claims()
            rulings, wrong = self._ruled(samples, claim)
            h = self._octaves(exponent)
            doubted = (wrong & wrong_before).any(axis=1) & ~confirmed[self.todo]
            if doubted.any():
                confirmed[self.todo[doubted]] = True
                finest = np.where(doubted, _finest_heard(samples, claim, rulings, self._open().smallest_step), np.nan)
                if np.isfinite(finest).any():
                    samples = samples.and_then(self._sample(finest[None]))
                    rulings, wrong = self._ruled(samples, claim)
            drowned = _drowned(samples, claim, rulings, h)
            early = rulings.floored & ~drowned  # a finer step may still tell what is held against something larger
            rulings.outcome[early], rulings.reason[early] = Outcome.INCONCLUSIVE, reason(Diagnosis.STEPS)
            rulings.floored[early] = False
            settled = rulings.decided | wrong
            # a finer step must say so too: a ripple may hide between the first ones, or all of them be far too large
            done = (rulings.decided | (wrong & wrong_before) | drowned).all(axis=1)
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

    def _first_of_the_sweep(self) -> Array:
        """(K, D) the steps it begins with; where x has so few bits that one is left of them, larger ones, too."""
        first = self._octaves(*SWEEP_FIRST)
        alone = np.isfinite(first).sum(axis=0) < 2
        if not alone.any():
            return first
        return np.concatenate([np.where(alone, self._octaves(*LARGEST), np.nan), first])

    def _ruled(self, samples: Samples, claim: Claim) -> tuple[Rulings, Mask]:
        """Rulings on all samples, and which of them say that the claim is clearly wrong."""
        rulings = self._table(samples, claim)
        # where f stands still, it is only after the largest steps that a claim can be said to be wrong
        return rulings, _clearly_failed(rulings, claim) & ~(rulings.numeric == 0)

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
            hopeless += not (settled or is_small_beside_its_family(rulings, self._claims()).all())
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
        return untaken(h, np.fmax(samples.ahead, samples.behind))

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
        directions = self._open()
        if not isinstance(directions, Entries):
            failing = failed.any(axis=0)
            steps = np.zeros(failing.size)
            steps[failing] = [quantum_of(samples, int(r), size=self._size(r)) for r in np.flatnonzero(failing)]
            return steps
        steps = np.zeros((len(directions), 1))
        for output in np.unique(directions.output[failed[:, 0]])[:SEARCHED]:
            mine = np.flatnonzero(directions.output == output)
            steps[mine] = quantum_of(samples.take(mine), 0, size=float(np.abs(self.probe.base[output])))
        return steps

    def _size(self, readout: int | np.integer[Any]) -> float:
        """|f(x)| as the readout sees it."""
        return float(np.nan_to_num(np.max(self.claim.magnitude[readout])))

    def _rule(self, rulings: Rulings) -> NDArray[np.intp]:
        """Record a level's rulings; which of the open directions stay open."""
        if self.rulings is not NOTHING:
            self.rulings.put(self.todo, rulings)
        elif rulings.all_decided:  # mostly: no further level writes to them
            self.rulings, self.todo = rulings, self.todo[:0]
            return self.todo
        else:
            self.rulings = rulings.copied()
        still = np.flatnonzero(~self.rulings.decided[self.todo].all(axis=1))
        self.todo = self.todo[still]
        return still

    def _claims(self) -> Claim:
        return self.claim if self.rulings is NOTHING else self.claim.take(self.todo)

    def _open(self) -> Directions:
        return self.directions if self.rulings is NOTHING else self.directions.take(self.todo)

    def _given(self) -> Samples:
        assert self.settings.h is not None
        return self._sample(given(self.directions, self.settings.h))

    def _octaves(self, *exponents: float) -> Array:
        return octaves(self._open(), np.array(exponents))

    def _sample(self, h: Array) -> Samples:
        samples = self.probe.sample(self._open(), h)
        self.evaluations += samples.evaluations
        if self.silence is not None:
            self.silence.listen(self.todo, samples)
        return samples


def _clearly_failed(rulings: Rulings, claim: Claim) -> NDArray[np.bool_]:
    error = np.abs(claim.analytic - rulings.numeric)
    return np.asarray((rulings.outcome == Outcome.FAIL) & ~(error <= CLEAR * rulings.allowed))


def _contradicts(samples: Samples, claim: Claim) -> Mask:
    """(D, R) whether the differences at the finest step are clearly others than the claim."""
    d, noise = samples.central[-1], samples.central_noise[-1]
    tolerated = BENT * claim.resolution * np.fmax(claim.size, np.abs(d)) + claim.atol
    return np.asarray(np.abs(d - claim.analytic) > AUDIBLE * noise + tolerated)


def _finest_heard(samples: Samples, claim: Claim, rulings: Rulings, smallest: Array) -> Array:
    """(D,) the finest step at which what a failure is apart by can be told from noise; NaN where one as fine was taken.

    Beyond the period of an f that swings within the first steps, differences fall as 1/h, and look converged to zero.
    """
    noise = np.nan_to_num(np.fmin.reduce(samples.noise, axis=0))
    with np.errstate(all="ignore"):
        needed = LOUD * KAPPA * noise / np.abs(claim.analytic - rulings.numeric)
        needed = np.where(rulings.outcome == Outcome.FAIL, needed, np.inf).min(axis=1)
        h = np.exp2(np.ceil(np.log2(np.fmax(needed, smallest))))
    taken = np.fmin.reduce(np.fmin(samples.ahead, samples.behind), axis=0)
    return np.where(h < taken / 2, h, np.nan)


def _drowned(samples: Samples, claim: Claim, rulings: Rulings, h: Array) -> NDArray[np.bool_]:
    """(D, R) the noise of the next step h (1, D) exceeds all that still matters, or there is no next step."""
    # that of the finest: a huge value far from x rounds coarsely, and the next step does not go there
    sigma = np.nan_to_num(np.fmin.reduce(samples.noise[-3:], axis=0))
    noise = KAPPA * sigma / h[0][:, None]
    # beside a wide bar, that both numbers nearly agree is chance, as long as f moves by more than its noise
    heard = np.isfinite(rulings.bar) & (np.abs(samples.central[-1]) > samples.central_noise[-1])
    wide = np.where(heard, rulings.bar, 0.0)
    matters = np.fmin(0.3 * np.fmax(np.abs(claim.analytic - rulings.numeric), wide), np.inf)
    drowned = (noise > matters) & (noise > 0.1 * claim.resolution * rulings.scale)
    return np.asarray(drowned | np.isnan(h[0])[:, None])
