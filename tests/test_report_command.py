"""``gradaudit report``: stored runs rendered again, shards merged, and no traceback of ours whatever the files hold."""

import json
import shutil
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_audit import HOSTILE, RUN, literal_audit

from gradaudit import report
from gradaudit.history import looked_back
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan.fingerprint import planned
from gradaudit.plan.shard import Shard
from gradaudit.report import _codec, jsonl, run_json
from gradaudit.report._find import pointed
from gradaudit.running.record import Audit, Result, Run

HOME = Path("reports/nightly") / RUN.id
GOOD = tuple(result for result in literal_audit().results if result.verdict.status in (Status.PASS, Status.XFAIL))


@pytest.fixture
def say(tmp_path, monkeypatch, say):
    """Runs a command line in an empty folder, and never to a traceback of ours: (exit status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str) -> tuple[int, str, str]:
        status, out, err = say(*arguments)
        assert "Traceback (most recent call last)" not in err
        return status, out, err

    return invoke


def compared(audit: Audit) -> Audit:
    """With what earlier runs say about it, as ``run`` reports it."""
    return replace(audit, history=looked_back(audit, Path("reports") / audit.run.suite))


def leave(audit: Audit) -> Path:
    """The folder of the run in ``audit``, as ``run`` leaves it."""
    home = Path("reports") / audit.run.suite / audit.run.id
    report.write_all(compared(audit), home)
    report.write_latest(audit, home)
    return home


@pytest.mark.parametrize("run", [RUN.id, str(HOME), str(HOME / "results.jsonl"), "reports/nightly", "latest"])
def test_a_run_is_named_by_id_folder_file_suite_or_as_the_latest(say, run: str):
    leave(literal_audit())
    status, out, _ = say("report", run, "--format", "concise")
    assert status == 1
    assert out.splitlines()[-1] == report.summary(literal_audit())


def test_every_report_comes_again_from_the_results_alone(say):
    home = leave(literal_audit())
    before = {path.name: path.read_bytes() for path in home.iterdir()}
    for name in before.keys() - {"results.jsonl"}:
        (home / name).unlink()
    say("report", RUN.id)
    assert {path.name: path.read_bytes() for path in home.iterdir()} == before


def test_outputs_go_where_they_are_asked_and_leave_the_folder_alone(say):
    home = leave(literal_audit())
    (home / "results.csv").unlink()
    assert say("report", RUN.id, "-o", "a/b.csv", "-o", "c.md", "--format", "quiet") == (1, "", "")
    assert Path("a/b.csv").read_text().startswith("id,status")
    assert Path("c.md").exists()
    assert not (home / "results.csv").exists()


@pytest.mark.parametrize("style", ["full", "concise", "json", "github", "quiet"])
def test_stdout_is_that_of_the_run(say, style: str):
    from gradaudit import terminal

    leave(literal_audit())
    assert say("report", RUN.id, "--format", style)[1] == terminal.FORMATS[style](compared(literal_audit()))


@pytest.mark.parametrize(
    ("results", "complete", "strict", "status"),
    [
        (GOOD, True, False, 0),
        (GOOD, False, False, 3),
        (literal_audit().results, False, False, 1),
        ((), True, False, 0),
        (
            (*GOOD, *(r for r in literal_audit().results if r.verdict.status is Status.INCONCLUSIVE)),
            *(True, True, 1),
        ),
    ],
)
def test_the_exit_status_is_that_of_the_verdicts_and_3_where_cases_are_missing(say, results, complete, strict, status):
    leave(Audit(replace(RUN, complete=complete), results))
    assert say("report", RUN.id, *(["--strict"] if strict else []))[0] == status


def shards(count: int, results: tuple[Result, ...] = GOOD) -> list[Path]:
    plan = planned(result.case for result in results)
    return [
        leave(
            Audit(
                replace(RUN, id=f"20261123-00150{index}-aaaaaa", shard=Shard(index, count)),
                tuple(result for result in results if Shard(index, count).holds(result.case.id)),
                plan=plan,
            )
        )
        for index in range(1, count + 1)
    ]


def test_shards_become_a_run_of_their_own_that_can_be_reported_again(say):
    status, out, err = say("report", *map(str, shards(3)))
    assert (status, out.splitlines()[-1]) == (0, report.summary(Audit(RUN, GOOD)))
    home = Path(err.split("report: ")[1].strip()).parent
    assert {"report.html", "results.csv", "results.jsonl", "run.json"} <= {path.name for path in home.iterdir()}
    assert say("report", "latest", "--format", "concise")[1] == say("report", home.name, "--format", "concise")[1]


def test_a_merged_run_is_not_compared_with_a_part_of_itself(say):
    homes = shards(2, literal_audit().results)
    _, out, _ = say("report", *map(str, homes), "--format", "concise")
    assert "FAIL" in out
    assert "since" not in out


def test_a_shard_that_was_finished_later_is_in_the_next_merge(say):
    homes = shards(2)
    whole = (homes[0] / "results.jsonl").read_bytes()
    (homes[0] / "results.jsonl").write_bytes(b"".join(whole.splitlines(keepends=True)[:1]))
    assert say("report", *map(str, homes))[0] == 2
    assert say("report", *map(str, homes), "--partial")[0] == 3
    (homes[0] / "results.jsonl").write_bytes(whole)
    assert say("report", *map(str, homes))[0] == 0
    assert say("report", "latest")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("report",), "Missing argument 'RUN...'"),
        (("report", "nothing"), "no run 'nothing'; give its folder"),
        (("report", "latest"), "no run 'latest'"),
        (("report", "."), "no run '.'"),
        (("report", "suite.yaml"), "suite.yaml:1: not a results file"),
        (("report", str(HOME), "-o", "out.pdf"), "out.pdf"),
        (("report", str(HOME), "-o", str(HOME / "results.jsonl")), "it is what is read"),
        (("report", str(HOME), "-o", "suite.yaml/out.md"), "cannot write suite.yaml/out.md"),
    ],
)
def test_what_cannot_work_exits_2_with_one_clear_message(say, arguments, said: str):
    if HOME.name in str(arguments):
        leave(literal_audit())
    Path("suite.yaml").write_text("version: 1\n")
    status, out, err = say(*arguments)
    assert (status, out) == (2, "")
    assert said in err


def test_a_pointer_cannot_lead_out_of_its_folder(say):
    Path("elsewhere").mkdir()
    leave(literal_audit()).rename("elsewhere/run")
    Path("reports/nightly/latest.json").write_text(json.dumps({"run": "../../elsewhere/run"}))
    assert say("report", "latest")[0] == 2


def test_a_pointer_to_the_folder_above_leads_nowhere(say):
    home = leave(literal_audit())
    (home / "results.jsonl").rename("reports/results.jsonl")
    Path("reports/nightly/latest.json").write_text(json.dumps({"run": ".."}))
    assert pointed(Path("reports/nightly")) is None


def test_a_full_disk_exits_3_and_keeps_the_old_report(say, monkeypatch):
    home = leave(literal_audit())
    old = (home / "report.html").read_bytes()
    failing = OSError(28, "No space left on device")
    monkeypatch.setattr("os.fsync", lambda descriptor: (_ for _ in ()).throw(failing))
    status, _, err = say("report", RUN.id)
    assert status == 3
    assert "No space left on device; make room there" in err
    assert (home / "report.html").read_bytes() == old


# what the files may hold

STORED = jsonl.render(Audit(literal_audit().run, literal_audit().results[:3])).encode("ascii")
FIRST_FORMAT = _codec.dumps({"format": 1, "kind": "gradaudit results", "run": RUN.id}) + "\n"
RUN_JSON = run_json.render(Audit(RUN, ()))
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(HOSTILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
quiet = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)


def rendered(say, results: bytes, run: bytes | None = None) -> int:
    """The exit status of ``report`` for a folder that holds this."""
    shutil.rmtree("fuzzed", ignore_errors=True)
    Path("fuzzed").mkdir()
    Path("fuzzed/results.jsonl").write_bytes(results)
    if run is not None:
        Path("fuzzed/run.json").write_bytes(run)
    status, _, err = say("report", "fuzzed", "--format", "full")
    assert status in (0, 1, 2, 3)
    assert status != 2 or err.startswith("gradaudit: ")
    assert "fault of the tool" not in err
    return status


@quiet
@given(results=st.binary(max_size=300), run=st.none() | st.binary(max_size=300))
def test_arbitrary_bytes_are_refused(say, results: bytes, run: bytes | None):
    assert rendered(say, results, run) == 2


@quiet
@given(length=st.integers(0, len(STORED) - 1))
def test_a_file_that_ends_anywhere_is_read_or_refused(say, length: int):
    status = rendered(say, STORED[:length])
    assert status == (2 if length <= STORED.index(b"\n") else status)
    assert status != 0  # some of its cases failed


@quiet
@given(bits=st.lists(st.tuples(st.integers(0, len(STORED) - 1), st.integers(0, 7)), min_size=1, max_size=4))
def test_flipped_bits_are_never_shown_as_a_result(say, bits: list[tuple[int, int]]):
    damaged = bytearray(STORED)
    for position, bit in bits:
        damaged[position] ^= 1 << bit
    if bytes(damaged) != STORED and rendered(say, bytes(damaged)) != 2:
        stored = report.read_stored(Path("fuzzed/results.jsonl"))
        known = {repr(result) for result in literal_audit().results}
        assert {repr(result) for result in stored.results.values()} <= known


def paths_of(data: object, path: tuple = ()):
    """The path of every value in plain data."""
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from paths_of(value, (*path, key))


def replaced(data: object, path: tuple, value: object) -> object:
    """``data`` with another value at ``path``."""
    if not path:
        return value
    changed = dict(data) if isinstance(data, dict) else list(data)
    changed[path[0]] = replaced(changed[path[0]], path[1:], value)
    return changed


def resealed(data: object) -> bytes:
    """A line whose checksum is right, whatever it says."""
    text = json.dumps(data)
    if not isinstance(data, dict) or not data:
        return text.encode()
    body = text[:-1].encode()
    return body + b',"crc":"%08x"}' % zlib.crc32(body)


@quiet
@given(data=st.data(), value=anything)
def test_any_value_in_any_place_is_rendered_or_refused_though_its_checksum_is_right(say, data, value):
    lines = [json.loads(line) for line in STORED.splitlines()]
    for line in lines:
        line.pop("crc")
    number = data.draw(st.integers(0, len(lines) - 1))
    lines[number] = replaced(lines[number], data.draw(st.sampled_from(list(paths_of(lines[number])))), value)
    rendered(say, b"\n".join([*map(resealed, lines), b""]))


@quiet
@given(data=st.data(), value=anything)
def test_any_value_in_any_place_of_the_first_format_is_rendered_or_refused(say, data, value):
    run = json.loads(RUN_JSON)
    run = replaced(run, data.draw(st.sampled_from(list(paths_of(run)))), value)
    case = json.loads(_codec.dumps({"position": 0, "case": GOOD[0].case, "verdict": GOOD[0].verdict}))
    case = replaced(case, data.draw(st.sampled_from(list(paths_of(case)))), value)
    rendered(say, (FIRST_FORMAT + json.dumps(case) + "\n").encode(), json.dumps(run).encode())


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"a":' * 100_000, b'{"run":' + b"9" * 10_000 + b"}"])
def test_json_that_breaks_a_reader_is_refused(say, text: bytes):
    assert rendered(say, text + b"\n") == 2
    assert rendered(say, FIRST_FORMAT.encode() + text + b"\n", RUN_JSON.encode()) == 2
    assert rendered(say, FIRST_FORMAT.encode(), text) == 2
    assert rendered(say, STORED.splitlines(keepends=True)[0] + text + b"\n") == 2


def test_hostile_text_is_shown_inert(say):
    run: Run = replace(RUN, suite=HOSTILE, arguments=(HOSTILE,), versions={HOSTILE: HOSTILE}, git={"commit": HOSTILE})
    audit = Audit(run, (Result(replace(GOOD[0].case, id=HOSTILE), Verdict(HOSTILE, Status.FAIL, message=HOSTILE)),))
    Path("results.jsonl").write_text(jsonl.render(audit))
    status, out, _ = say("report", "results.jsonl", "-o", "o.html", "-o", "o.csv", "-o", "o.junit.xml", "-o", "o.md")
    assert status == 1
    assert not set(out) & set("\x00\x07\x1b\x85\u2028\u202e")
    for suffix in ("html", "csv", "junit.xml", "md"):
        assert HOSTILE not in Path(f"o.{suffix}").read_text()
