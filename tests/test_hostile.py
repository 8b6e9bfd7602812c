"""configs/hostile.yaml: each case has the verdict that it deserves, and no healthy neighbour sees any of it."""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from gradaudit import backends
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan import make_plan
from gradaudit.plan.case import Case
from gradaudit.suite import load_suite

SUITE = Path(__file__).parent.parent / "configs" / "hostile.yaml"
MEMORY = 1_000_000_000  #: bytes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what Linux cannot do is not asked of others")

#: The diagnosis of every case that does not pass, and words of its message.
FOUND: dict[str, tuple[Diagnosis, str]] = {
    "leaves": (Diagnosis.RAISED, "function raised SystemExit: 0"),
    "interrupts": (Diagnosis.RAISED, "raised KeyboardInterrupt"),
    "recurses": (Diagnosis.RAISED, "function raised RecursionError"),
    "says memory is out": (Diagnosis.RAISED, "function raised MemoryError"),
    "generator exit": (Diagnosis.RAISED, "raised GeneratorExit"),
    "beyond exception": (Diagnosis.RAISED, "raised Beyond: caught by nobody"),
    "unpicklable": (Diagnosis.RAISED, "function raised Local: <function"),
    "mute": (Diagnosis.RAISED, "function raised Mute"),
    "leaves when shown": (Diagnosis.RAISED, "raised"),
    "disguised": (Diagnosis.RAISED, "function raised Disguised"),
    "circular": (Diagnosis.RAISED, "function raised ValueError: first"),
    "injecting": (Diagnosis.RAISED, "<script>alert(1)</script>"),
    "leaves gradient": (Diagnosis.RAISED, "gradient raised SystemExit: from the gradient"),
    "only beside x": (Diagnosis.DOMAIN, "no room inside the domain"),
    "traps": (Diagnosis.RAISED, "function raised Inexact"),
    "exits well": (Diagnosis.DIED, "its process died (exit code 0)"),
    "exits badly": (Diagnosis.DIED, "its process died (exit code 3)"),
    "segfaults": (Diagnosis.DIED, "its process died (signal SIGSEGV)"),
    "segfaults gradient": (Diagnosis.DIED, "its process died (signal SIGSEGV)"),
    "aborts": (Diagnosis.DIED, "its process died (signal SIGABRT)"),
    "kills itself": (Diagnosis.DIED, "its process died (signal SIGKILL)"),
    "kills its group": (Diagnosis.DIED, "its process died (signal SIGKILL)"),
    "closes everything": (Diagnosis.DIED, "its process died"),
    "scribbles": (Diagnosis.DIED, "its process died"),
    "alarm clock": (Diagnosis.DIED, "its process died (signal SIGALRM)"),
    "eats memory": (Diagnosis.MEMORY, "MB of memory, allowed 1,000 MB"),
    **dict.fromkeys(
        ("sleeps", "spins", "deadlocks", "holds the interpreter", "ignores signals", "blocks signals", "stops"),
        (Diagnosis.TIMED_OUT, "past its limit of 0.3 s"),
    ),
    "catches everything": (Diagnosis.TIMED_OUT, "past its limit of 0.3 s"),
    "loops compiled": (Diagnosis.TIMED_OUT, "past its limit of 1 s"),
    "returns generator": (Diagnosis.DTYPE, "returned generator"),
    "returns nothing": (Diagnosis.DTYPE, "returned None;"),
    "returns text": (Diagnosis.DTYPE, "returned <U"),
    "returns plain object": (Diagnosis.DTYPE, "returned object"),
    "returns array of objects": (Diagnosis.DTYPE, "returned ndarray"),
    "returns complex number": (Diagnosis.DTYPE, "returned complex128"),
    "returns ragged": (Diagnosis.WRONG, "off by 100 %"),
    "returns endless": (Diagnosis.RAISED, "raised RecursionError"),
    "returns class itself": (Diagnosis.DTYPE, "returned type"),
    "returns huge": (Diagnosis.RAISED, "Unable to allocate 7.11 PiB"),
    "returns unconvertible": (Diagnosis.RAISED, "raised RuntimeError: not an array after all"),
    "returns lying": (Diagnosis.NONDETERMINISTIC, "fix the seed inside"),
    "returns spoilt input": (Diagnosis.INPUT_MUTATED, "function changed its input x"),
    "returns gradient of text": (Diagnosis.DTYPE, "gradient for x is <U"),
    "returns gradient generator": (Diagnosis.DTYPE, "gradient for x is generator"),
    "returns gradient huge": (Diagnosis.SHAPE, "(1000000000000000,)"),
    "imports raises": (Diagnosis.IMPORT_FAILED, "import raised RuntimeError: no import today"),
    "imports incomplete": (Diagnosis.IMPORT_FAILED, "hostile_package_that_does_not_exist"),
    "imports leaves": (Diagnosis.IMPORT_FAILED, "import raised SystemExit: 0"),
    "imports segfaults": (Diagnosis.DIED, "its process died (signal SIGSEGV)"),
    "imports hangs": (Diagnosis.TIMED_OUT, "past its limit of 0.3 s"),
    "imports patches": (Diagnosis.CONSTANT_FACTOR, "analytic = 2 × numeric"),
    "imports replaces itself": (Diagnosis.IMPORT_FAILED, "import raised SystemExit"),
}

#: What cannot be undone is told in a note of the case that did it, and the next one has a fresh process.
LEFT: dict[str, str] = {
    "leaves thread": "1 thread still running",
    "leaves spinning thread": "1 thread still running",
    "leaves killing thread": "1 thread still running",
    "leaves program": "a child process",
    "leaves fork": "a child process",
    "leaves fork that returns": "a child process",
    "leaves demon": "a process that detached itself",
    "leaves temporary files": "temporary files",
    "leaves open files": "many open files",
    "leaves module path": "replaced modules or functions",
    "leaves numpy functions": "replaced modules or functions",
    "leaves python functions": "replaced modules or functions",
    "leaves limits": "a lowered resource limit",
    "imports patches": "replaced modules or functions",
}

#: Where the stack could not be read: all signals are ignored or blocked, or SIGKILL came without a warning.
NO_TRACE = {"ignores signals", "blocks signals", "exits well", "exits badly", "kills itself", "kills its group"}


@cache
def plan() -> tuple[Case, ...]:
    return make_plan(load_suite([SUITE], environment={}))


def hostile() -> list[Case]:
    return [case for case in plan() if "healthy" not in case.tags]


def neighbours() -> list[Case]:
    """All the healthy cases for each hostile one, each with an id of its own."""
    healthy = [case for case in plan() if "healthy" in case.tags]
    return [replace(case, id=f"{case.id}[after={before.id}]") for before in hostile() for case in healthy]


def audited(cases: list[Case], **place) -> dict[str, Verdict]:
    found = backends.run(cases, timeout=60.0, max_memory=MEMORY, **place)
    return {verdict.id: timeless(verdict) for _, verdict in found}


def timeless(verdict: Verdict) -> Verdict:
    return replace(verdict, measures=replace(verdict.measures, duration_s=0.0))


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Verdict]:
    """The verdicts of the neighbours among themselves."""
    return audited(neighbours(), jobs=1)


def here(jobs: int) -> AbstractContextManager[dict[str, object]]:
    return nullcontext({"jobs": jobs})


@contextmanager
def on_dask(processes: int) -> Iterator[dict[str, object]]:
    """A cluster whose workers survive everything that runs on them."""
    distributed = importlib.import_module("distributed")
    with (
        distributed.LocalCluster(
            n_workers=processes, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        before = client.run(os.getpid)
        yield {"scheduler": cluster.scheduler_address}
        assert client.run(os.getpid) == before


def on_ray(cores: int) -> AbstractContextManager[dict[str, object]]:
    """A cluster of its own, which ends with the run."""
    return nullcontext({"backend": "ray", "jobs": cores})


needs_dask = pytest.mark.skipif(
    find_spec("distributed") is None, reason="the dask backend needs dask: pip install 'gradaudit[dask]'"
)
needs_ray = [
    pytest.mark.skipif(find_spec("ray") is None, reason="the ray backend needs ray: pip install 'gradaudit[ray]'"),
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning"),  # ray's own, as its cluster ends
]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(partial(here, 1), id="one job"),
        pytest.param(partial(here, 2), id="two jobs"),
        pytest.param(partial(on_dask, 2), id="two processes of dask", marks=needs_dask),
        pytest.param(partial(on_ray, 2), id="two cores of ray", marks=needs_ray),
    ],
)
def mixed(request: pytest.FixtureRequest) -> Iterator[dict[str, Verdict]]:
    """All verdicts where every hostile case is followed by healthy ones."""
    before, healthy = leftovers(), neighbours()
    each = len(healthy) // len(hostile())
    groups = [[case, *healthy[i * each : (i + 1) * each]] for i, case in enumerate(hostile())]
    with request.param() as place:
        yield audited([case for group in groups for case in group], **place)
    assert leftovers() <= before


def leftovers() -> set[str]:
    """Processes that hostile cases start and leave."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if command == b"sleep\x001000\x00" or (
            b"gradaudit.isolation.fork_server" in command and parent in ("1", str(os.getpid()))
        ):
            found.add(process.name)
    return found


def test_the_suite_is_large_enough_and_no_case_of_it_is_forgotten_here():
    expected = {case.name for case in hostile() if case.expect}
    assert len(hostile()) >= 90
    assert expected == FOUND.keys()
    assert {case.name for case in hostile()} >= LEFT.keys() | NO_TRACE


def test_every_case_ends_as_the_suite_expects(mixed: dict[str, Verdict]):
    unlike = {
        case.id: f"{mixed[case.id].status}: {mixed[case.id].message}"
        for case in hostile()
        if mixed[case.id].status != (case.expect.status if case.expect else Status.PASS)
    }
    assert unlike == {}


def test_every_case_is_given_its_own_reason(mixed: dict[str, Verdict]):
    unlike = {
        name: (mixed[name].diagnosis, mixed[name].message)
        for name, (diagnosis, words) in FOUND.items()
        if mixed[name].diagnosis is not diagnosis or words not in mixed[name].message
    }
    assert unlike == {}


def test_what_cannot_be_undone_is_told_and_nothing_else(mixed: dict[str, Verdict]):
    told = {name: note for name, verdict in mixed.items() for note in verdict.notes if note.startswith("left behind: ")}
    assert told.keys() == LEFT.keys()
    assert all(words in told[name] for name, words in LEFT.items())


def test_where_a_case_stood_when_it_was_ended_is_kept(mixed: dict[str, Verdict]):
    ended = {
        case.name: mixed[case.id].traceback
        for case in hostile()
        if mixed[case.id].status in (Status.TIMEOUT, Status.CRASH) and case.name not in NO_TRACE
    }
    silent = {name for name, trace in ended.items() if "most recent call first" not in trace}
    assert silent <= {"closes everything", "alarm clock", "scribbles"}


def test_what_was_printed_is_kept_with_the_case_and_capped(mixed: dict[str, Verdict]):
    assert mixed["exits badly"].printed == "last words\n"
    assert mixed["sleeps"].printed == "before it hung\n"
    assert mixed["imports prints"].printed == "printed by an import\n"
    assert "bytes left out" in mixed["leaves flood"].printed
    assert max(len(verdict.printed) for verdict in mixed.values()) < 25_000


def test_no_healthy_neighbour_sees_anything_of_it(mixed: dict[str, Verdict], undisturbed: dict[str, Verdict]):
    assert len(undisturbed) == len(neighbours()) >= 4 * len(hostile())
    assert {verdict.status for verdict in undisturbed.values()} == {Status.PASS, Status.INCONCLUSIVE}
    # by repr: it tells −0 from 0 and a NaN from none, and shows every digit
    changed = {name for name, verdict in undisturbed.items() if repr(verdict) != repr(mixed[name])}
    assert changed == set()
