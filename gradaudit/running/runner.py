"""A whole run: suite files in, an Audit and its report folder out."""

import hashlib
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from gradaudit import backends, history, report
from gradaudit.isolation import keeper
from gradaudit.judge.expectation import judge_expectation
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan import Choice, Selection, choose
from gradaudit.plan.case import TIMEOUT, Case
from gradaudit.plan.fingerprint import planned
from gradaudit.plan.shard import Shard
from gradaudit.running import provenance
from gradaudit.running.opening import Opening, opened
from gradaudit.running.record import Audit, History, Result, Run
from gradaudit.suite import Suite, load_suite

REPORTS = Path("reports")  #: relative to the current folder
LONGEST_NAME = 100  #: bytes of a folder's: systems allow 255
NOTHING = "none"  #: in place of a baseline: compare with no run


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
        said = str(problem) if isinstance(problem, report.OutputError) else f"{type(problem).__name__}: {problem}"
        super().__init__(f"the run broke after {len(audit.results)} cases: {said}")
        self.audit = audit


@dataclass(frozen=True)
class Progress:
    """How far a run is: given to ``observe`` once before the first case and once after each."""

    done: int
    total: int
    result: Result | None = None  #: the case that has just finished
    tally: Mapping[str, int] = field(default_factory=dict)  #: cases so far, by status


Observe = Callable[[Progress], None]
Tell = Callable[[str], None]
LookBack = Callable[[Audit, Path], History | None]
Start = Callable[[], Generator[tuple[int, Verdict], None, None]]


def run(
    files: str | Path | Sequence[str | Path],
    *,
    select: Selection | None = None,
    overrides: Mapping[str, object] | None = None,
    profile: str | None = None,
    jobs: int | None = None,
    backend: str | None = None,
    scheduler: str | None = None,
    power: bool = False,
    shard: Shard | None = None,
    retries: int = 0,
    max_memory: int | None = None,
    stop_at: Collection[Status] = (),
    resume: str | None = None,
    only_failed: bool = False,
    baseline: str | None = None,
    outputs: Sequence[Path] = (),
    folder: Path = REPORTS,
    arguments: Sequence[str] = (),
    observe: Observe = lambda progress: None,
    tell: Tell = lambda sentence: None,
) -> Audit:
    """Audit the suite in ``files`` and write its reports to ``folder/<suite>/<run id>/``.

    What runs: ``select`` narrows the cases; ``overrides`` are settings by key that win over those of the suite
    (``{"timeout": "10s"}``), ``profile`` is one of its own. ``shard`` is this machine's part of the selected cases.
    ``resume`` names a run to finish instead of a new one: its folder, its id, or ``resume.LAST``; what it measured and
    the suite still asks for is kept. ``only_failed`` runs what was not good in the last run, and lets its other
    verdicts stand. The first case that ends with a status in ``stop_at`` ends the run.

    How: ``jobs`` cases at once, None is one for each core; ``backend`` None is chosen by ``jobs``; ``scheduler`` is the
    address of a cluster to run on. ``retries`` are further attempts at a case that ends badly. ``max_memory`` is how
    many bytes the process of a case may hold, with all that it starts. ``power`` plants known faults into every claim
    that passes.

    What comes of it: ``baseline`` is the run to compare with: its folder or id, NOTHING, or, if None, the last complete
    run of the whole suite. ``outputs`` are files to write besides, their format chosen by their ending. ``arguments``
    is the command line, kept to run it again. ``observe`` gets the progress before the first case and after each;
    ``tell`` gets sentences about what is kept of an earlier run, and about workers of a cluster that are not used.

    Raises SuiteError, BackendError, NothingSelected or OutputError before anything is measured; RunInterrupted or
    RunBroken afterwards, with the partial audit, whose reports are written where they can be.
    """
    started = time.monotonic()
    suite = load_suite(_listed(files), overrides=overrides or {}, profile=profile)
    choice = _chosen(suite, select or Selection())
    cases = choice.cases
    described = describe(
        suite.name, files=_listed(files), seed=_seed(cases), arguments=arguments, shard=shard, whole=choice.whole
    )
    del suite  # what was read of its files takes as much memory as the plan, and is not needed again
    backends.check(cases, backend=backend, scheduler=scheduler)
    report.check(outputs)
    mine = [case for case in cases if shard is None or shard.holds(case.id)]
    home = run_folder(described, folder)
    opening = opened(described, planned(cases, power=power), home=home, resume=resume, only_failed=only_failed)
    before = _baseline(baseline, folder)
    for sentence in opening.told(len(mine)):
        tell(sentence)
    rest = [case for case in mine if case.id not in opening.kept]
    start = partial(
        backends.run,
        rest,
        backend=backend,
        scheduler=scheduler,
        jobs=jobs or provenance.cores(),
        timeout=TIMEOUT,
        power=power,
        retries=retries,
        max_memory=max_memory,
        tell=tell,
    )
    with opening.results_file() as stored:
        audited = _Audited(len(mine), began=started - opening.run.duration_s)
        for result in opening.kept.values():
            audited.add(result)
            if opening.rerun:
                stored.append(result, elapsed_s=audited.seconds)
        _audit(rest, start, audited, stored=stored, observe=observe, stop_at=stop_at)
        audit = _gathered(opening, audited, mine)
        return _finish(audit, audited.stop, before, stored=stored, home=opening.home, outputs=outputs)


def check_imports(cases: Sequence[Case]) -> list[Result]:
    """Import, in a worker, everything that the cases name; the first case of each target that cannot be loaded."""
    first: dict[object, Case] = {}
    for case in cases:
        first.setdefault(case.imported, case)
    distinct = list(first.values())
    verdicts = dict(backends.run(distinct, timeout=TIMEOUT, audit=keeper.IMPORT))
    results = [Result(case, verdicts[index]) for index, case in enumerate(distinct)]
    return [result for result in results if result.verdict.status != Status.PASS]


def describe(
    name: str,
    *,
    files: Sequence[str | Path],
    seed: int | tuple[int, ...],
    arguments: Sequence[str],
    shard: Shard | None = None,
    whole: bool = True,
) -> Run:
    """What is known of a run before its first case: not yet how long it took, nor whether it was completed."""
    now = datetime.now(UTC)
    return Run(
        id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        suite=name,
        files=tuple(map(str, files)),
        started=now.isoformat(timespec="milliseconds"),
        duration_s=0.0,
        complete=False,
        seed=seed,
        arguments=tuple(arguments),
        versions=provenance.versions(),
        git=provenance.git(),
        machine=provenance.machine(),
        shard=shard,
        whole=whole,
    )


def run_folder(run: Run, folder: Path = REPORTS) -> Path:
    """``folder/<suite>/<run id>``; neither name can lead out of ``folder``."""
    return folder / _file_name(run.suite, "suite") / _file_name(run.id, "run")


def _file_name(text: str, nameless: str) -> str:
    """``text`` where it can name a folder; else what can be kept of it, with a digest: no two texts share a name."""
    kept = re.sub(r"[^\w.+-]+", "_", text).lstrip(".").encode()[:LONGEST_NAME].decode(errors="ignore")
    if kept == text and kept:
        return kept
    digest = hashlib.blake2b(text.encode("utf-8", errors="surrogatepass"), digest_size=4).hexdigest()
    return f"{kept or nameless}-{digest}"


def _chosen(suite: Suite, select: Selection) -> Choice:
    """The cases of a run. Raises NothingSelected where there are none."""
    choice = choose(suite, select)
    if not choice.cases:
        named = f"'gradaudit list {suite.files[0]}' names the cases"
        nothing = f"no case of {', '.join(suite.files)} is selected; {named}"
        raise NothingSelected("; ".join((*choice.unknown, named)) if choice.unknown else nothing)
    return choice


def _seed(cases: Sequence[Case]) -> int | tuple[int, ...]:
    """That of all cases, or all of theirs: each suite file may have its own."""
    seeds = tuple(dict.fromkeys(case.seed for case in cases))
    return seeds[0] if len(seeds) == 1 else seeds


def _baseline(named: str | None, folder: Path) -> LookBack:
    """How to look back once the run is over; what was named is read now, and refused before anything is measured."""
    compare = named != NOTHING
    given = report.read(report.find_run(named, folder=folder).parent) if named and compare else None

    def look_back(audit: Audit, home: Path) -> History | None:
        return history.looked_back(audit, home, baseline=given, compare=compare)

    return look_back


@dataclass
class _Audited:
    """What has come out so far."""

    total: int  #: cases that are to come out
    began: float  #: by the monotonic clock, as if the run had never been cut off
    results: dict[str, Result] = field(default_factory=dict)  #: by id
    tally: Counter[str] = field(default_factory=Counter)  #: by status
    stop: KeyboardInterrupt | Exception | None = None  #: why it ended before its end

    @property
    def seconds(self) -> float:
        """How long the run has taken, in all its parts."""
        return time.monotonic() - self.began

    def add(self, result: Result) -> None:
        self.results[result.case.id] = result
        self.tally[result.verdict.status] += 1

    def progress(self, result: Result | None = None) -> Progress:
        return Progress(done=len(self.results), total=self.total, result=result, tally=Counter(self.tally))


def _audit(
    cases: Sequence[Case],
    start: Start,
    audited: _Audited,
    *,
    stored: report.ResultsFile,
    observe: Observe,
    stop_at: Collection[Status],
) -> None:
    today = date.today()  # once: a run over midnight judges all cases alike
    try:
        observe(audited.progress())
        if not cases:
            return
        with closing(start()) as verdicts:
            for index, verdict in verdicts:
                judged = judge_expectation(cases[index].expect, verdict, today=today)
                result = Result(cases[index], judged)
                stored.append(result, elapsed_s=audited.seconds)
                audited.add(result)
                observe(audited.progress(result))
                if judged.status in stop_at:
                    break
    except (KeyboardInterrupt, Exception) as problem:  # whatever broke, what has finished is reported
        audited.stop = problem


def _gathered(opening: Opening, audited: _Audited, cases: Sequence[Case]) -> Audit:
    results = tuple(audited.results[case.id] for case in cases if case.id in audited.results)
    run = replace(opening.run, duration_s=audited.seconds, complete=len(results) == len(cases))
    return Audit(run=run, results=results, plan=opening.plan)


def _finish(
    audit: Audit,
    stop: KeyboardInterrupt | Exception | None,
    look_back: LookBack,
    *,
    stored: report.ResultsFile,
    home: Path,
    outputs: Sequence[Path],
) -> Audit:
    """Write every report and give what they show; or raise what the run was ended by, here or before."""
    try:
        stored.end(audit.run)
        audit = replace(audit, history=look_back(audit, home.parent))
        _write(audit, home, outputs)
        history.remember(audit, home)
    except KeyboardInterrupt as interrupt:
        stop = interrupt
    except Exception as problem:  # a full disk, a folder taken away; results.jsonl has everything
        stop = stop or problem
    if isinstance(stop, KeyboardInterrupt):
        raise RunInterrupted(audit) from stop
    if stop is not None:
        raise RunBroken(audit, stop) from stop
    return audit


def _write(audit: Audit, home: Path, outputs: Sequence[Path]) -> None:
    """Each report that can be written, whatever becomes of the others; then raise the first problem."""
    problems: list[Exception] = []
    elsewhere = [partial(report.render, audit, output) for output in outputs]
    for write in (partial(report.write_all, audit, home), *elsewhere, partial(report.write_latest, audit, home)):
        try:
            write()
        except Exception as problem:
            problems.append(problem)
    if problems:
        raise problems[0]


def _listed(files: str | Path | Sequence[str | Path]) -> list[str | Path]:
    return [files] if isinstance(files, str | Path) else list(files)
