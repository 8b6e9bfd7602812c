"""The path of one case, in the worker: from plain data to a verdict."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import inf

import numpy as np
from numpy.typing import NDArray

from gradaudit import checks, engines
from gradaudit.checks._choice import measured_as_chosen
from gradaudit.checks._comparison import Comparison
from gradaudit.checks._ground import Ground
from gradaudit.checks._identity import Compared, Identity, weigh
from gradaudit.checks._limits import Limits
from gradaudit.checks._shortcuts import batched, compiled_kernel
from gradaudit.checks._stale import EARLIER, Points, asked_again
from gradaudit.checks._subject import CALLS_AT_X, Subject, Unfit
from gradaudit.engines._arguments import Arguments
from gradaudit.engines._boundary import UserError, guarded
from gradaudit.engines._differentiable import Absent, Differentiable, EngineError, Misfit, Mutated
from gradaudit.judge.diagnosis import ADVICE, Diagnosis
from gradaudit.judge.evidence import Evidence
from gradaudit.judge.judging import judge
from gradaudit.judge.points import at_all_points
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.perturb.batching import Batched
from gradaudit.perturb.sampling import Kernel
from gradaudit.perturb.steps import Point, everywhere
from gradaudit.plan.case import Case, Given, Input
from gradaudit.plan.draw import DrawError, draw_inputs, draws, generator, rewound, seeded
from gradaudit.power.recall import remembered_kernel
from gradaudit.power.self_test import Passed, self_test

#: What a check compares, and the random numbers that it is measured by.
Prepared = tuple[Compared, np.random.Generator]


def audit_case(case: Case, *, threads: int = 1, power: bool = False) -> Verdict:
    """The whole path of one case, in the worker: load, draw, measure, judge; with ``power``, test a pass by faults.

    Whatever user code raises becomes a verdict; what we raise ourselves passes through.
    """
    began = time.perf_counter()
    try:
        differentiable = guarded("import", engines.load, seeded(case))
        assert isinstance(differentiable, Differentiable)
        verdict = at_all_points(list(_at_each_point(case, differentiable, threads=threads, power=power)))
        verdict = replace(verdict, sources=differentiable.sources)
    except (EngineError, DrawError) as problem:
        verdict = Verdict(case.id, Status.ERROR, Diagnosis.IMPORT_FAILED, str(problem))
    except UserError as problem:
        verdict = _raised(case, problem, Diagnosis.IMPORT_FAILED)
    measures = replace(verdict.measures, duration_s=time.perf_counter() - began)
    return replace(verdict, measures=measures)


def audit_case_with_power(case: Case, *, threads: int = 1) -> Verdict:
    """``audit_case`` and, after a pass, the self-test of power: what workers call for ``--power``."""
    return audit_case(case, threads=threads, power=True)


def _at_each_point(case: Case, differentiable: Differentiable, *, threads: int, power: bool) -> Iterator[Verdict]:
    passed: list[tuple[int, Arguments]] = []
    for at_point in draws(case):
        arguments = _arguments(at_point)
        verdict = audit_function(
            at_point, differentiable, arguments, threads=threads, power=power, earlier=tuple(passed)
        )
        if verdict.status is Status.PASS and len(passed) < EARLIER:  # they may be large, and many
            passed.append((at_point.draw + 1, arguments))
        yield verdict


def audit_function(
    case: Case,
    differentiable: Differentiable,
    arguments: Arguments,
    *,
    threads: int = 1,
    power: bool = False,
    reader: bool = True,
    earlier: Points = (),
) -> Verdict:
    """Measure and judge a loaded function at one point; with ``power``, plant faults into a claim that passes.

    ``earlier`` are the points of the case at which it has passed: what a claim that fails may have kept from them.
    Without a ``reader`` a pass is a status alone, for which no curve is measured.
    """
    try:
        case, arguments = _with_held(case, differentiable, arguments)
        course = _Course.of(case, differentiable, arguments, threads=threads, curve=reader)
        prepared = list(_comparisons(case, course.subject))
        evidences = [course.examined(compared, rng) for compared, rng in prepared]
    except Unfit as problem:
        return _unfit(case, problem, differentiable)
    except Mutated as problem:
        return _unfit(case, Unfit(Diagnosis.INPUT_MUTATED, str(problem)), differentiable)
    except Misfit as problem:
        return _unfit(case, Unfit(Diagnosis.SHAPE, str(problem)), differentiable)
    except UserError as problem:
        return _raised(case, problem, Diagnosis.RAISED, engine=differentiable.engine)
    if not reader and all(evidence.rulings.all_decided for evidence in evidences):
        return Verdict(case.id, Status.PASS, engine=differentiable.engine)
    verdict = course.judged(evidences)
    if verdict.status is Status.FAIL:
        comparisons = [comparison for comparison, _ in prepared]
        asked = partial(_asked, case)
        return course.judged(asked_again(evidences, comparisons, asked, subject=course.subject, earlier=earlier))
    if not power or verdict.status is not Status.PASS:
        return verdict
    return self_test(verdict, course.passed(prepared, evidences), generator=partial(generator, case))


@dataclass(frozen=True)
class _Course:
    """How the comparisons of a case are measured and judged at one point."""

    case: Case
    subject: Subject
    limits: Limits
    kernel: Kernel | None
    batch: Batched | None
    threads: int
    curve: bool

    @classmethod
    def of(
        cls, case: Case, differentiable: Differentiable, arguments: Arguments, *, threads: int, curve: bool
    ) -> "_Course":
        """Evaluate f at the point, and look for faster ways to its values. Raises as ``Subject.examine``."""
        subject = Subject.examine(
            differentiable, arguments, _point(case, arguments), structures=_structures(case, arguments)
        )
        limits = Limits.of(case.settings, epsilon=subject.epsilon)
        kernel = compiled_kernel(subject, evaluations=_expected_evaluations(case, subject))
        return cls(case, subject, limits, kernel, batched(subject), threads, curve)

    def examined(self, compared: Compared, rng: np.random.Generator) -> Evidence:
        """Two claims beside each other, or a claim beside differences of f."""
        if isinstance(compared, Identity):
            return weigh(compared, self.limits, epsilon=self.subject.epsilon)
        return self.measured(compared, rng, kernel=self.kernel)

    def measured(self, comparison: Comparison, rng: np.random.Generator, *, kernel: Kernel | None) -> Evidence:
        """A claim beside differences of f, which ``kernel`` takes where there is one."""
        settings = self.case.settings
        # a claim that is measured again meets the same random numbers; a step may leave the domain of f
        with rewound(rng), np.errstate(all="ignore"):
            ground = Ground.of(
                comparison, self.limits, rng, kernel=kernel, batch=self.batch, threads=self.threads, curve=self.curve
            )
            return measured_as_chosen(ground, settings, rng, seconds=self.subject.seconds, seed=self.case.seed)

    def judged(self, evidences: Sequence[Evidence]) -> Verdict:
        """The verdict by all that was found."""
        differentiable = self.subject.differentiable
        at_x = CALLS_AT_X + (self.batch.evaluations_at_x if self.batch else 0)
        return judge(self.case.id, evidences, engine=differentiable.engine, notes=differentiable.notes, at_x=at_x)

    def passed(self, prepared: Sequence[Prepared], evidences: Sequence[Evidence]) -> list[Passed]:
        """What a self-test plants faults into: what was measured, and how it is measured again."""
        recall = self.kernel and remembered_kernel(self.kernel)
        return [
            Passed(comparison, evidence, partial(self.measured, rng=rng, kernel=recall), self.limits)
            for (comparison, rng), evidence in zip(prepared, evidences, strict=True)
            if isinstance(comparison, Comparison)
        ]


def _with_held(case: Case, differentiable: Differentiable, arguments: Arguments) -> tuple[Case, Arguments]:
    """The case with what its function holds as further inputs, such as the parameters of a module."""
    if differentiable.held is None:
        return case, arguments
    held = guarded("function", differentiable.held, arguments)
    assert isinstance(held, dict)
    inputs = tuple(Input(name, Given(None)) for name in held)
    return replace(case, inputs=case.inputs + inputs), arguments.beside(held, differentiated=True)


def _arguments(case: Case) -> Arguments:
    names = [input_.name for input_ in case.inputs]
    differentiated = [i for i, input_ in enumerate(case.inputs) if input_.differentiate]
    return Arguments.of(draw_inputs(case), names=names, differentiated=differentiated)


def _structures(case: Case, arguments: Arguments) -> list[str | None]:
    # the real and the imaginary parts of a complex input have the structure each
    kinds = zip(arguments.differentiated, arguments.arrays, strict=True)
    return [case.inputs[i].structure for i, array in kinds for _ in range(2 if array.dtype.kind == "c" else 1)]


def _point(case: Case, arguments: Arguments) -> Point:
    bounds = [_bounds(case.inputs[i]) for i in arguments.differentiated]
    lower = _edge([-inf if low is None else float(low) for low, _ in bounds], arguments)
    upper = _edge([inf if high is None else float(high) for _, high in bounds], arguments)
    return Point(arguments.x, arguments.epsilon, lower, upper)


def _edge(bounds: list[float], arguments: Arguments) -> NDArray[np.float64]:
    """(n,) the bound of each coordinate, from those of the inputs."""
    if len(set(bounds)) == 1:
        return everywhere(bounds[0], arguments.size)
    return np.repeat(np.array(bounds), arguments.sizes)


def _bounds(given: Input) -> tuple[float | None, float | None]:
    low, high = given.bounds
    # mass that an element of a simplex does not have cannot be moved
    return (max(low or 0.0, 0.0), high) if given.structure == "simplex" else (low, high)


def _comparisons(case: Case, subject: Subject) -> Iterator[Prepared]:
    """Every comparison of every check; all claims are called before the first difference is taken."""
    absent: list[str] = []
    prepared = list(_claims(case, subject, absent))
    if not prepared and absent:
        raise Unfit(Diagnosis.RAISED, "; ".join(absent), fails=False)
    subject.differentiable.notes.extend(absent)
    subject.unchanged()
    yield from prepared


def _claims(case: Case, subject: Subject, absent: list[str]) -> Iterator[Prepared]:
    """What all claims return at the point of ``subject``; ``absent`` gets the checks that cannot be made."""
    for name in case.checks:
        rng = generator(case, f"check {name}")
        try:
            for comparison in checks.part(name).compare(subject, rng):
                yield comparison, rng
        except Absent as refusal:
            absent.append(f"check {name} is left out: {refusal}")


def _asked(case: Case, subject: Subject) -> list[Compared]:
    return [comparison for comparison, _ in _claims(case, subject, [])]


def _expected_evaluations(case: Case, subject: Subject) -> int:
    steps = len(case.settings.h) if case.settings.h else 1
    return 2 * steps * min(subject.arguments.size, case.settings.elements or subject.arguments.size)


def _unfit(case: Case, problem: Unfit, differentiable: Differentiable) -> Verdict:
    status = Status.FAIL if problem.fails else Status.INCONCLUSIVE
    message = str(problem)
    if not problem.fails and problem.diagnosis in ADVICE:
        message += f"; {ADVICE[problem.diagnosis]}"
    return Verdict(
        case.id,
        status,
        problem.diagnosis,
        message,
        str(problem),
        differentiable.engine,
        notes=tuple(differentiable.notes),
    )


def _raised(case: Case, problem: UserError, diagnosis: Diagnosis, *, engine: str = "") -> Verdict:
    return Verdict(case.id, Status.ERROR, diagnosis, str(problem), problem.summary, engine, traceback=problem.trace)
