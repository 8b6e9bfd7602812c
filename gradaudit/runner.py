"""A whole run: suite files in, an Audit and its report folder out."""

import re
import secrets
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from gradaudit import backends, provenance, report
from gradaudit.judge.expectation import judge_expectation
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan import Selection, make_plan
from gradaudit.plan.case import Case
from gradaudit.plan.selection import unknown_ids
from gradaudit.record import Audit, Result, Run
from gradaudit.suite import Suite, load_suite

REPORTS = Path("reports")  #: relative to the current folder
TIMEOUT = 300.0  #: s, for a case of which the suite says nothing: an unattended run must end


class NothingSelected(Exception):
    """The suite is in order, and no case of it was asked for."""


class RunInterrupted(KeyboardInterrupt):
    """Ctrl-C, after the reports of what had finished were written."""

    def __init__(self, audit: Audit) -> None:
        super().__init__("the run was interrupted")
        self.audit = audit


class RunBroken(RuntimeError):
    """A backend or an output broke; ``audit`` holds what had finished, ``__cause__`` says why."""

    def __init__(self, audit: Audit, problem: Exception) -> None:
        super().__init__(f"the run broke after {len(audit.results)} cases: {type(problem).__name__}: {problem}")
        self.audit = audit


@dataclass(frozen=True)
class Progress:
    """How far a run is: given to ``observe`` once before the first case and once after each."""

    done: int
    total: int
    result: Result | None = None  #: the case that has just finished
    tally: Mapping[str, int] = field(default_factory=dict)  #: cases so far, by status


Observe = Callable[[Progress], None]
Start = Callable[[], Generator[tuple[int, Verdict], None, None]]


def run(
    files: str | Path | Sequence[str | Path],
    *,
    select: Selection | None = None,
    overrides: Mapping[str, object] | None = None,
    profile: str | None = None,
    jobs: int | None = None,
    backend: str | None = None,
    power: bool = False,
    outputs: Sequence[Path] = (),
    folder: Path = REPORTS,
    arguments: Sequence[str] = (),
    observe: Observe = lambda progress: None,
) -> Audit:
    """Audit the suite in ``files`` and write its reports to ``folder/<suite>/<run id>/``.

    ``overrides`` are settings by key that win over those of the suite (``{"timeout": "10s"}``). ``jobs`` None is one
    for each core, ``backend`` None is chosen by ``jobs``. ``power`` plants known faults into every claim that passes.
    ``outputs`` are files to write besides, their format chosen by their ending. ``arguments`` is the command line, kept
    to run it again.

    Raises SuiteError, BackendError, NothingSelected or OutputError before anything is measured; RunInterrupted or
    RunBroken afterwards, with the partial audit, whose reports are written.
    """
    started = time.monotonic()
    suite = load_suite(_listed(files), overrides=overrides or {}, profile=profile)
    cases = make_plan(suite, select=select or Selection())
    if not cases:
        raise NothingSelected(_why_nothing(suite, select or Selection()))
    if backend is not None:
        backends.part(backend)
    for output in outputs:
        report.check(output)
    described = describe(suite.name, files=_listed(files), seed=suite.seed, arguments=arguments)
    home = run_folder(described, folder)
    with report.ResultsFile(home / "results.jsonl", run_id=described.id) as stored:
        start = partial(
            backends.run, cases, backend=backend, jobs=jobs or provenance.cores(), timeout=TIMEOUT, power=power
        )
        audited = _audit(cases, start, stored=stored, observe=observe)
    audit = _gathered(described, audited, seconds=time.monotonic() - started)
    _write(audit, home, outputs)
    if isinstance(audited.stop, KeyboardInterrupt):
        raise RunInterrupted(audit) from audited.stop
    if audited.stop is not None:
        raise RunBroken(audit, audited.stop) from audited.stop
    return audit


def check_imports(cases: Sequence[Case]) -> list[Result]:
    """Import, in a worker, everything that the cases name; the first case of each target that cannot be loaded."""
    first: dict[object, Case] = {}
    for case in cases:
        target = replace(case.target, kwargs=())
        first.setdefault((target, case.path, case.env), case)
    distinct = list(first.values())
    verdicts = dict(backends.run(distinct, timeout=TIMEOUT, audit="gradaudit.worker:import_case"))
    results = [Result(case, verdicts[index]) for index, case in enumerate(distinct)]
    return [result for result in results if result.verdict.status != Status.PASS]


def describe(name: str, *, files: Sequence[str | Path], seed: int, arguments: Sequence[str]) -> Run:
    """What is known of a run before its first case: not yet how long it took, nor whether it was completed."""
    now = datetime.now(UTC)
    return Run(
        id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        suite=name,
        files=tuple(map(str, files)),
        started=now.isoformat(timespec="seconds"),
        duration_s=0.0,
        complete=False,
        seed=seed,
        arguments=tuple(arguments),
        versions=provenance.versions(),
        git=provenance.git(),
        machine=provenance.machine(),
    )


def run_folder(run: Run, folder: Path = REPORTS) -> Path:
    """``folder/<suite>/<run id>``; a suite's name cannot lead out of ``folder``."""
    name = re.sub(r"[^\w.+-]+", "_", run.suite).lstrip(".") or "suite"
    return folder / name[:100] / run.id


def _why_nothing(suite: Suite, select: Selection) -> str:
    unknown = unknown_ids(select, make_plan(suite))
    return "; ".join(unknown) or f"no case of {', '.join(suite.files)} is selected"


@dataclass
class _Audited:
    """What has come out so far."""

    results: dict[int, Result] = field(default_factory=dict)  #: by position in the plan
    stop: KeyboardInterrupt | Exception | None = None  #: why it ended before its end


def _audit(cases: Sequence[Case], start: Start, *, stored: report.ResultsFile, observe: Observe) -> _Audited:
    today = date.today()  # once: a run over midnight judges all cases alike
    audited = _Audited()
    tally: dict[str, int] = {}
    try:
        observe(Progress(done=0, total=len(cases)))
        with closing(start()) as verdicts:
            for index, verdict in verdicts:
                judged = judge_expectation(cases[index].expect, verdict, today=today)
                result = Result(cases[index], judged)
                stored.append(result, position=index)
                audited.results[index] = result
                tally[judged.status] = tally.get(judged.status, 0) + 1
                observe(Progress(done=len(audited.results), total=len(cases), result=result, tally=tally))
    except (KeyboardInterrupt, Exception) as problem:  # whatever broke, what has finished is reported
        audited.stop = problem
    return audited


def _gathered(described: Run, audited: _Audited, *, seconds: float) -> Audit:
    run = replace(described, duration_s=seconds, complete=audited.stop is None)
    return Audit(run=run, results=tuple(audited.results[index] for index in sorted(audited.results)))


def _write(audit: Audit, home: Path, outputs: Sequence[Path]) -> None:
    try:
        report.write_all(audit, home)
        for output in outputs:
            report.render(audit, output)
        report.write_latest(audit, home)
    except Exception as problem:  # a full disk, a folder taken away; results.jsonl has everything
        raise RunBroken(audit, problem) from problem


def _listed(files: str | Path | Sequence[str | Path]) -> list[str | Path]:
    return [files] if isinstance(files, str | Path) else list(files)
