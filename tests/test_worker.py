"""What a child process makes of the cases that it is given: seen from its keeper."""

import os
import sys
from collections.abc import Iterator

import pytest
from stand_in import AUDIT, a_case

from gradaudit.isolation.keeper import Keeper, Task
from gradaudit.isolation.residue import VERSIONED
from gradaudit.isolation.worker import import_case
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan.case import Case, Target
from gradaudit.running.provenance import cores


@pytest.fixture(scope="module")
def shared() -> Iterator[Keeper]:
    with Keeper() as keeper:
        yield keeper


@pytest.fixture
def ask(shared: Keeper):
    def audit(case: Case, *, audit: str = AUDIT) -> Verdict:
        return shared.audit(Task(0, case, limit=20.0, audit=audit))

    return audit


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raises", "ValueError: planted"),
        ("raises_silently", "Mute"),
        ("leaves", "SystemExit: 3"),
        ("interrupts", "KeyboardInterrupt"),
        ("recurses", "RecursionError"),
    ],
)
def test_an_exception_of_any_kind_is_an_error_with_its_traceback_and_the_process_lives(ask, name: str, said: str):
    before = ask(a_case("process")).evidence
    verdict = ask(a_case(name, place="suite.yaml:3:5"))
    assert verdict.status is Status.ERROR
    assert verdict.diagnosis is Diagnosis.RAISED
    assert verdict.message.startswith(f"suite.yaml:3:5: raised {said}")
    assert f"in {name}\n" in verdict.traceback
    assert ask(a_case("process")).evidence == before


def test_a_traceback_is_capped_and_keeps_its_end(ask):
    trace = ask(a_case("recurses")).traceback
    assert len(trace) < 25_000
    assert "RecursionError" in trace.splitlines()[-1]


def test_what_an_exception_says_is_capped_and_so_is_its_name(ask):
    verdict = ask(a_case("raises_at_length"))
    assert verdict.message.startswith("raised LongLong")
    assert "… (3,800 characters left out): xxx" in verdict.message
    assert verdict.message.endswith("xxx… (4,998,000 characters left out)")
    assert max(map(len, (verdict.message, verdict.evidence))) < 3_000


def test_what_an_audit_says_is_capped(ask):
    verdict = ask(a_case("says_much"))
    assert verdict.status is Status.PASS
    assert verdict.evidence.endswith("xxx… (4,996,000 characters left out)")


def test_an_audit_that_gives_no_verdict_is_an_error_of_the_case(ask):
    verdict = ask(a_case("ok"), audit="stand_in:gives_no_verdict")
    assert verdict.status is Status.ERROR
    assert "the audit gave str, not a Verdict" in verdict.message


def test_what_is_printed_anywhere_is_kept_with_the_case_that_printed_it(ask):
    assert ask(a_case("prints")).printed == "to stdout\nto stderr\nto the descriptor\n"
    assert ask(a_case("ok")).printed == ""


@pytest.mark.parametrize("name", ["prints_to_a_file", "detaches_streams"])
def test_what_a_case_does_to_the_streams_takes_nothing_from_what_the_next_one_prints(name: str, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Keeper() as keeper:
        taken, printed = [keeper.audit(Task(0, a_case(one), audit=AUDIT)) for one in (name, "prints")]
    assert taken.status is Status.PASS
    assert printed.printed == "to stdout\nto stderr\nto the descriptor\n"


@pytest.mark.parametrize("name", ["closes_streams", "replaces_streams", "leaves_when_flushed"])
def test_a_case_that_takes_the_streams_away_passes_and_the_next_one_can_print_again(name: str):
    with Keeper() as keeper:
        verdicts = [keeper.audit(Task(0, a_case(one), audit=AUDIT)) for one in (name, "prints", "process")]
    assert [verdict.status for verdict in verdicts] == [Status.PASS] * 3


def test_a_case_leaves_folder_environment_path_and_warnings_as_it_found_them(ask):
    ask(a_case("disturbs"))
    folder, word, on_path, strict, _ = eval(ask(a_case("surroundings")).evidence)
    assert (folder, word, on_path, strict) == (os.getcwd(), "", False, False)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the C library of mathematics has another name")
def test_a_case_that_has_the_processor_round_another_way_changes_no_digit_of_the_next(ask):
    assert ask(a_case("rounds_up")).status is Status.PASS
    assert ask(a_case("rounding")).evidence == "0.0"


REPLACED = "replaced modules or functions, or constants, of Python or NumPy"
SEEN = pytest.mark.skipif(not VERSIONED, reason="where nobody sees whether anything has changed, less is looked at")
REPLACING = [
    "math.pi = 3.14",
    "cmath.exp = cmath.log",
    "os.getcwd = lambda: '/'",
    "os.path.exists = lambda path: True",
    "operator.mul = operator.add",
    "statistics.mean = statistics.median",
    "sys.modules['json'] = types.ModuleType('json')",
    "del sys.modules['json']",
]


@pytest.mark.parametrize(
    ("change", "left"),
    [
        *(pytest.param(change, REPLACED, marks=SEEN) for change in REPLACING),
        ("sys.addaudithook(lambda *event: None)", "an audit hook of Python"),  # which nobody can remove
    ],
)
def test_a_case_that_changes_python_for_all_says_so_and_the_next_has_a_fresh_process(ask, change: str, left: str):
    before = ask(a_case("process")).evidence
    (note,) = ask(a_case("changes", tags=(change,))).notes
    assert note.startswith(f"left behind: {left};")
    assert ask(a_case("process")).evidence != before


SEVERAL_CORES = pytest.mark.skipif(cores() < 2, reason="there is no choice of cores")


@pytest.mark.parametrize(
    "change",
    [
        "os.environ['TZ'] = 'XXX-7'; time.tzset()",
        "os.environ['TZ'] = 'XXX-7'; time.tzset(); del os.environ['TZ']",
        "tempfile.tempdir = '/'",
        "sys.set_int_max_str_digits(0)",
        "sys.tracebacklimit = 0",
        "logging.disable(50)",
        "gc.set_debug(gc.DEBUG_STATS)",
        pytest.param("os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})", marks=SEVERAL_CORES),
    ],
)
def test_what_a_case_switches_is_switched_back(ask, change: str):
    before = ask(a_case("switches")).evidence
    assert ask(a_case("changes", tags=(change,))).notes == ()
    assert ask(a_case("switches")).evidence == before


def test_global_random_numbers_follow_from_the_case_and_not_from_the_cases_before(ask):
    first = ask(a_case("surroundings")).evidence
    ask(a_case("disturbs"))
    assert ask(a_case("surroundings")).evidence == first
    assert ask(a_case("surroundings", 1)).evidence != first


def test_the_suites_environment_and_folders_hold_in_the_worker_and_thread_pools_have_one_thread(tmp_path):
    (tmp_path / "only_on_the_path.py").write_text("import os; word = os.environ['WORD']")
    case = a_case("importable", path=(str(tmp_path),), env=(("WORD", "from the suite"),))
    with Keeper() as keeper:
        assert keeper.audit(Task(0, case, audit=AUDIT)).evidence == "from the suite"
        seen = a_case("settings", path=case.path, env=case.env)
        assert keeper.audit(Task(0, seen, audit=AUDIT)).evidence == "['from the suite', '1', '1']"


def test_the_suite_may_give_thread_pools_more_threads():
    case = a_case("settings", env=(("OMP_NUM_THREADS", "3"),))
    with Keeper() as keeper:
        assert keeper.audit(Task(0, case, audit=AUDIT)).evidence == "['', '3', '1']"


def test_every_verdict_says_how_long_it_took(ask):
    assert 0.2 <= ask(a_case("waits")).measures.duration_s < 5
    assert ask(a_case("raises")).measures.duration_s >= 0


def test_importing_a_case_names_what_is_missing_and_evaluates_nothing():
    good = import_case(Case("a", "a", Target("math:sin", (("gradient", "math:cos"),)), (), ()))
    assert good.status is Status.PASS
    bad = import_case(Case("b", "b", Target("math:sin", (("gradient", "math:cosinus"),)), (), ()))
    assert bad.diagnosis is Diagnosis.IMPORT_FAILED
    assert bad.message.startswith("math:cosinus: ")


def test_the_traceback_of_an_import_begins_in_their_code(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "outer_of_two.py").write_text("import inner_of_two\n")
    (tmp_path / "inner_of_two.py").write_text("1 / 0\n")
    bad = import_case(Case("b", "b", Target("outer_of_two:f", (("gradient", "math:cos"),)), (), ()))
    assert bad.message == "import raised ZeroDivisionError: division by zero"
    assert f'  File "{tmp_path / "outer_of_two.py"}", line 1' in bad.traceback.splitlines()[1]
    assert f'File "{tmp_path / "inner_of_two.py"}", line 1' in bad.traceback


def test_a_child_starts_without_the_weight_of_the_command_line(ask):
    heavy = {"click", "rich", "jinja2", "pydantic", "joblib", "numba", "numpy"}
    code = f"import sys, gradaudit.isolation.worker; print(sorted({heavy!r} & set(sys.modules)))"
    import subprocess

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"
