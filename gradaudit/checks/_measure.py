"""Measuring a comparison: the least evaluations that let the judge decide each element."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gradaudit.checks._comparison import Comparison, coordinate_value
from gradaudit.checks._curve import curves
from gradaudit.checks._doubt import doubt_small_failures
from gradaudit.checks._ground import Ground
from gradaudit.checks._integral import ask_line_integrals
from gradaudit.checks._ladder import Ladder
from gradaudit.checks._limits import Limits
from gradaudit.checks._structure import moves_together, one_by_one, saved_by, together_for, what_was_found
from gradaudit.checks._units import restored
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.element import Claim, Outcome, Rulings, reason
from gradaudit.judge.evidence import Evidence
from gradaudit.judge.family import pass_beside_their_family
from gradaudit.perturb.samples import Array
from gradaudit.perturb.sampling import Probe
from gradaudit.perturb.steps import Directions, Entries
from gradaudit.perturb.together import Coupled
from gradaudit.plan.case import Settings

#: Samples in memory at once: steps × directions × readouts.
BLOCK = 524_288
STEPS = 16
#: So many times more where directions move together: then each block has evaluations of its own.
TOGETHER = 16


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
        known = ground.probe.together or ground.comparison.sparse  # both count the search that it was found by
        twice = ground.evaluations + (known.evaluations if known else 0)
        evidence = again.after(evidence.evaluations - twice, evidence.surroundings - ground.evaluations)
    return evidence.after(spent, spent)


def _depends_on_scale(rulings: Rulings) -> bool:
    """Nothing fails, and some element cannot be decided since its differences depend on the scale of h."""
    if rulings.all_decided:
        return False
    undecided = rulings.outcome == Outcome.INCONCLUSIVE
    by_scale = undecided & (rulings.reason == reason(Diagnosis.SCALE))
    return bool(by_scale.any() and not (rulings.outcome == Outcome.FAIL).any())


def _measure_by_structure(
    ground: Ground, settings: Settings, chosen: NDArray[np.intp], rng: np.random.Generator
) -> Evidence:
    """Where f has a structure, many directions at once; where f does not keep to it at every step, one by one."""
    known = ground.probe.together
    # a copy of what is known: it goes on counting
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
    directions, claim = comparison.directions, _claim(comparison, probe, settings, ground.limits)
    if chosen.size < len(directions):
        directions, claim = directions.take(chosen), claim.take(chosen)
    climbed = _climbed(probe, directions, claim, settings, slopes=comparison.worth is not None)
    doubtful = _is_doubtful(climbed.rulings, claim, ground, directions, settings)
    if doubtful:
        again = _climbed(probe, directions, claim, settings, slopes=comparison.worth is not None, doubtful=True)
        climbed = replace(again, evaluations=climbed.evaluations + again.evaluations)
    rulings, extended = climbed.rulings, climbed.extended
    evaluations = ground.evaluations + climbed.evaluations
    if settings.method == "auto" and not rulings.all_decided:
        heard = replace(ground, probe=probe.louder(climbed.noise)) if climbed.noise.any() else ground
        evaluations += _think_again(rulings, claim, heard, settings, chosen, integrals=not doubtful)
    shown = curves(ground, directions, claim, rulings, settings, extended=extended, evaluations=evaluations)
    drawn = shown.evaluations
    evaluations += drawn
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
        witness=shown.worst,
        witness_direction=shown.direction,
        witness_readout=shown.readout,
        evaluations=evaluations,
        others=shown.others,
        surroundings=ground.evaluations + drawn,
        extended=extended,
        pattern=comparison.sparse.pattern if comparison.sparse else None,
        saved=saved_by(probe.together),
        remarks=tuple(what_was_found(comparison, probe.together, chosen, rulings)),
    )
    return restored(evidence, ground.unit)


def _is_doubtful(rulings: Rulings, claim: Claim, ground: Ground, directions: Directions, settings: Settings) -> bool:
    """Whether all pass, and what passes does not tell how f changes where its noise was measured."""
    whole = len(directions) == directions.point.x.size
    asked = settings.method == "auto" and settings.kinks != "accept" and (settings.h is None or settings.extend)
    return whole and asked and rulings.all_decided and ground.is_contradicted(claim.analytic)


def _think_again(
    rulings: Rulings, claim: Claim, ground: Ground, settings: Settings, chosen: NDArray[np.intp], *, integrals: bool
) -> int:
    """Second thoughts on what did not pass, written into ``rulings``. Returns the evaluations spent.

    No ``integrals``: f does otherwise than claimed where it is heard clearly, and means over more would hide it again.
    """
    comparison, probe = ground.comparison, ground.probe
    directions = comparison.directions.take(chosen)
    spent = doubt_small_failures(rulings, claim, probe, directions)
    pass_beside_their_family(
        rulings,
        claim,
        scale=directions.scale,
        family=comparison.family,
        worth=_worth(comparison, directions),
        slopes=comparison.worth is not None,
    )
    if integrals and (settings.h is None or settings.extend):
        spent += ask_line_integrals(rulings, claim, probe, comparison, chosen)
    return spent


def _worth(comparison: Comparison, directions: Directions) -> Array:
    """What brings readouts that are alike to one unit: (R,), or (D, 1) of entries."""
    if comparison.worth is None:
        return np.ones(1)
    return comparison.worth[directions.output, None] if isinstance(directions, Entries) else comparison.worth


@dataclass(frozen=True)
class _Climbed:
    rulings: Rulings
    evaluations: int
    extended: bool  #: steps of our own were added
    noise: Array  #: (R,) that the samples alone have told, of readouts that stand still at x


def _climbed(
    probe: Probe, directions: Directions, claim: Claim, settings: Settings, *, slopes: bool, doubtful: bool = False
) -> _Climbed:
    """Rulings on all ``directions``, block by block; where they are ``doubtful``, by more than the first steps."""
    count, block = len(directions), _block(probe, claim.analytic.shape[1])
    if count <= block:
        ladder = Ladder(probe, directions, claim, settings, slopes=slopes, doubtful=doubtful)
        return _Climbed(ladder.climb(), ladder.evaluations, ladder.extended, ladder.noise)
    rulings, noise = Rulings.undecided(*claim.analytic.shape), np.zeros(claim.analytic.shape[1])
    evaluations, extended = 0, False
    for start in range(0, count, block):
        part = np.arange(start, min(start + block, count))
        ladder = Ladder(probe, directions.take(part), claim.take(part), settings, slopes=slopes, doubtful=doubtful)
        rulings.put(part, ladder.climb())
        evaluations += ladder.evaluations
        extended |= ladder.extended
        noise = np.fmax(noise, ladder.noise)
    return _Climbed(rulings, evaluations, extended, noise)


def _block(probe: Probe, readouts: int) -> int:
    """How many directions are measured at once."""
    room = TOGETHER * BLOCK if moves_together(probe) else BLOCK
    return max(1, room // (STEPS * readouts))


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
