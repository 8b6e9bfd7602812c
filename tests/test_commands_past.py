"""``show``, ``history`` and ``compare``: stored runs in the terminal."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from nights import kept, night, verdict
from report_audit import CASE, FAILED, HOSTILE

from gradaudit.judge.verdict import CurvePoint, Status
from gradaudit.report._plot import HEIGHT, WIDTH, v_curve

PASS, FAIL = Status.PASS, Status.FAIL


@pytest.fixture
def say(tmp_path, monkeypatch, say):
    """Runs a command line over three nights: (exit status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    kept(Path("reports/nightly"), night(0, PASS, FAIL), night(1, PASS, FAIL, PASS), night(2, verdict(FAIL, 7.0), PASS))
    return say


def id_of(number: int) -> str:
    return night(number).run.id


def test_compare_names_what_changed_and_how(say):
    status, out, _ = say("compare", id_of(1))
    assert status == 0
    new, removed, *around, counted, sentence = [line for line in out.splitlines() if not line.startswith("FIXED")]
    assert new == "NEW      ok[i=0]  pass 0.01 → fail 7"
    assert removed == "REMOVED  ok[i=2]  pass 0.01 → –"
    assert "FIXED    ok[i=1]  fail 0.01 → pass 0.01" in out
    assert around == ["commit: c1 → c2"]
    assert counted == f"{id_of(1)} → {id_of(2)}: 1 new, 1 fixed, 1 removed"
    assert sentence == "1 new failure, 1 fixed; 1 of 2 passes"


def test_what_is_as_bad_as_it_was_is_the_same_and_told_and_what_is_as_good_is_only_counted(say):
    _, out, _ = say("compare", id_of(0), id_of(1))
    assert [line for line in out.splitlines() if line.startswith("SAME")] == ["SAME     ok[i=1]  fail 0.01 → fail 0.01"]
    assert f"{id_of(0)} → {id_of(1)}: 1 added, 2 same" in out
    _, out, _ = say("compare", id_of(0), id_of(1), "--format", "json")
    assert [case["change"] for case in json.loads(out)["cases"]] == ["same", "same", "added"]


def test_compare_fails_on_a_regression_alone(say):
    assert say("compare", id_of(1), "--fail-on", "regression")[0] == 1
    assert say("compare", id_of(2), id_of(1), "--fail-on", "regression")[0] == 1
    assert say("compare", id_of(0), id_of(1), "--fail-on", "regression")[0] == 0


def test_compare_as_json_names_both_runs_and_each_change(say):
    status, out, _ = say("compare", id_of(1), "latest", "--format", "json")
    document = json.loads(out)
    assert (status, document["baseline"], document["run"]) == (0, id_of(1), id_of(2))
    assert [(case["id"], case["change"]) for case in document["cases"]] == [
        ("ok[i=0]", "new"),
        ("ok[i=1]", "fixed"),
        ("ok[i=2]", "removed"),
    ]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("compare", "nothing"), 2, "no run 'nothing'"),
        (("compare", "latest"), 2, "is both sides; name an older run as A"),
        (("show", "okk"), 4, "no case 'okk'"),
        (("show", "ok"), 2, "'ok' is part of several ids: 'ok[i=0]', 'ok[i=1]'; give one whole"),
        (("history", "zz"), 4, "no run here has a case 'zz'\n"),
        (("history", "ok"), 4, "no run here has a case 'ok'; did you mean 'ok[i=0]', 'ok[i=1]'?"),
        (("history", "ok[i=0"), 4, "no run here has a case 'ok[i=0'; did you mean 'ok[i=0]'?"),
        (("history", "--suite", "other"), 4, "reports/other has no runs"),
        (("history", "--keep", "soon"), 2, "'soon' is no age; write 90d"),
        (("history", "--keep", "²d"), 2, "'²d' is no age; write 90d"),
        (("history", "--keep", "9999999999d"), 2, "'9999999999d' is no age; write 90d"),
    ],
)
def test_what_is_not_there_is_said(say, arguments, status, said):
    found, out, err = say(*arguments)
    assert (found, out) == (status, "")
    assert said in err


def test_history_lists_runs_and_the_trend_of_a_case(say):
    _, out, _ = say("history")
    assert [line.split()[0] for line in out.splitlines()[2:-1]] == [id_of(i) for i in range(3)]
    assert "1 fail, 2 pass" in out
    _, out, _ = say("history", "ok[i=0]")
    assert [line.split()[2] for line in out.splitlines()[2:-1]] == ["pass", "pass", "fail"]
    _, out, _ = say("history", "ok[i=0]", "--format", "json", "--last", "2")
    assert [end["status"] for end in json.loads(out)["ends"]] == ["pass", "fail"]


def test_history_follows_a_case_over_its_renames(say):
    renamed = replace(night(3, FAIL).results[0].case, id="new", was=("newer", "ok[i=0]"))
    kept(Path("reports/nightly"), night(3, FAIL, case=replace(renamed, id="newer", was=())))
    kept(Path("reports/nightly"), night(4, FAIL, case=renamed))
    _, out, _ = say("history", "new")
    assert [line.split()[0] for line in out.splitlines()[2:-1]] == [id_of(i) for i in range(5)]
    _, out, _ = say("history", "ok[i=0]")
    assert [line.split()[0] for line in out.splitlines()[2:-1]] == [id_of(i) for i in range(3)]


def test_the_trend_as_json_holds_no_number_that_json_has_not(say):
    kept(Path("reports/nightly"), night(3, verdict(FAIL, float("inf"))), night(4, verdict(FAIL, float("nan"))))
    _, out, _ = say("history", "ok[i=0]", "--format", "json", "--last", "2")
    ends = json.loads(out, parse_constant=pytest.fail)["ends"]
    assert [end["error_over_tolerance"] for end in ends] == ["Infinity", "NaN"]


def test_history_deletes_old_runs_and_keeps_the_last(say):
    assert say("history", "--keep", "1d")[:2] == (0, "nightly: 2 runs deleted\n")
    assert [path.name for path in Path("reports/nightly").iterdir() if path.is_dir()] == [id_of(2)]


def test_show_tells_all_of_one_case(say):
    kept(Path("reports/nightly"), night(3, FAILED, case=CASE))
    status, out, _ = say("show", "huber")
    assert status == 0
    assert out.startswith("FAIL losses.huber[n=33]  d out/d x[3]: analytic -0.491921")
    for part in ("error |analytic − numeric| against the step h", "worst elements", "configuration", "again"):
        assert part in out
    assert "gradaudit run configs/suite.yaml" in out
    _, out, _ = say("show", "ok[i=0]")
    assert "first bad: " + id_of(2) not in out.partition("change: ")[0]
    assert f"first bad: {id_of(2)} c2\n  last good: {id_of(1)} c1" in out
    assert say("show", "ok[i=2]", "--run", id_of(1))[1].startswith("PASS ok[i=2]")


def test_show_leaves_folders_without_runs_alone(say):
    elsewhere = Path("reports/notes")
    elsewhere.mkdir(parents=True)
    assert say("show", "nothing")[0] == 4
    assert list(elsewhere.iterdir()) == []


def test_show_says_when_later_runs_do_not_have_the_case(say):
    _, out, err = say("show", "ok[i=2]")
    assert out.startswith("PASS ok[i=2]")
    assert err == f"gradaudit: this is run {id_of(1)}; the last of nightly is {id_of(2)}\n"
    assert say("show", "ok[i=2]", "--run", id_of(1))[2] == say("show", "ok[i=0]")[2] == ""


def test_show_names_the_cases_that_have_taken_the_place_of_one(say):
    kept(Path("reports/nightly"), night(3, FAILED, case=replace(CASE, id="ok[i=1][m=2]")))
    assert f"the last of nightly is {id_of(3)}; it has 'ok[i=1][m=2]'\n" in say("show", "ok[i=1]")[2]


def test_show_lets_no_text_steer_the_terminal(say):
    hostile = replace(CASE, id="x" + HOSTILE, name=HOSTILE, owner=HOSTILE)
    kept(Path("reports/hostile"), night(9, replace(FAILED, message=HOSTILE, printed=HOSTILE), case=hostile))
    for arguments in (("show", "x</script>"), ("history",), ("compare", id_of(1), id_of(9))):
        _, out, err = say(*arguments)
        assert out, err
        assert not set(out) & set("\x00\x07\x1b\x85\u2028\u202e\ud800")


def points(*pairs):
    return [CurvePoint("gradient", "out", "x[0]", h, 1.0, error, 1e-16 / h) for h, error in pairs]


def test_the_curve_of_a_smooth_function_is_a_v():
    drawn = v_curve(points(*((10.0**-k, 10.0 ** (-2 * k) + 10.0 ** (k - 16)) for k in range(1, 12))), allowed=1e-6)
    columns = zip(*(line.ljust(WIDTH + 7) for line in drawn[:HEIGHT]), strict=True)
    seen = [row for column in columns for row, mark in enumerate(column) if mark in "●◐"]
    lowest = seen.index(max(seen))
    assert 0 < lowest < len(seen) - 1
    assert seen[:lowest] == sorted(seen[:lowest])
    assert seen[lowest:] == sorted(seen[lowest:], reverse=True)
    assert sum("┄" in line for line in drawn) == 1


@pytest.mark.parametrize("given", [[], points((1e-3, 0.0)), points((float("nan"), 1.0)), points((1e-3, float("inf")))])
def test_a_curve_without_numbers_draws_without_fault(given):
    assert isinstance(v_curve(given), list)


@pytest.mark.parametrize("error", [1.5e308, 5e-324])
def test_the_largest_and_the_smallest_of_numbers_are_drawn(error):
    assert "●" in "".join(v_curve([CurvePoint("gradient", "out", "x[0]", 1e-3, 1.0, error, 0.0)], allowed=error))


def test_an_error_of_zero_stands_on_the_floor():
    assert "○" in "".join(v_curve(points((1e-3, 0.0), (1e-2, 1e-5))))
