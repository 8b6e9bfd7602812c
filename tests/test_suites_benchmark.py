"""What the benchmark of suites says follows from what it measured, and its suites are what they claim to be."""

import runpy
from pathlib import Path

import pytest

from benchmarks._program import Spent, least
from benchmarks.suites import CHECK_GRAD, FEW, FIELDS, Cost, Field, begins
from gradaudit.auditor import audit_case
from gradaudit.judge.verdict import Status
from gradaudit.plan import make_plan
from gradaudit.suite import load_suite


def test_a_start_and_a_case_are_told_apart() -> None:
    cost = Cost.through(Spent(1.2, 2.3), Spent(3.0, 5.0), count=100)
    assert (cost.start.seconds, cost.case.seconds) == pytest.approx((1.0, 0.02))
    assert (cost.start.busy, cost.case.busy) == pytest.approx((2.0, 0.03))
    assert (cost.seconds(FEW), cost.busy(100)) == pytest.approx((1.2, 5.0))


def test_a_longer_suite_that_took_less_costs_nothing_a_case_and_no_less() -> None:
    cost = Cost.through(Spent(1.2, 2.3), Spent(1.1, 2.4), count=110)
    assert (cost.case.seconds, cost.seconds(10_000)) == (0.0, 1.2)
    assert cost.case.busy == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("start", "case", "said"),
    [(1.0, 0.005, "180"), (0.001, 0.005, "1"), (1.0, 0.01, "never"), (1.0, 0.02, "never")],
)
def test_the_length_from_which_the_goal_holds_is_where_the_lines_are_ten_times_apart(
    start: float, case: float, said: str
) -> None:
    rival, cost = (Cost(Spent(a, 0.0), Spent(b, 0.0)) for a, b in ((1.0, 0.1), (start, case)))
    assert begins(rival, cost) == said
    assert begins(rival, rival) == ""
    if said not in ("never", "1"):
        assert rival.seconds(int(said)) == pytest.approx(10 * cost.seconds(int(said)))


def test_the_least_of_the_rounds_counts_and_all_take_turns() -> None:
    order: list[str] = []
    found = least({name: lambda name=name: order.append(name) for name in "ab"}, rounds=2)  # type: ignore[misc]
    assert order == ["a", "b", "a", "b"]
    assert all(spent.seconds >= 0 for spent in found.values())


@pytest.mark.parametrize("suite", ["suite.yaml", "certified.yaml"])
def test_both_sides_audit_as_many_claims_of_the_same_size(tmp_path: Path, monkeypatch, suite: str) -> None:
    Field(CHECK_GRAD, 64, 0).write(tmp_path, 3)
    monkeypatch.syspath_prepend(tmp_path)
    cases = make_plan(load_suite([tmp_path / suite], environment={}))
    assert [audit_case(case).counts.elements for case in cases] == [64, 64, 64]
    assert {audit_case(case).status for case in cases} == {Status.PASS}
    tests = runpy.run_path(str(tmp_path / "test_gradients.py"))
    for seed in range(len(cases)):
        tests["test_gradient"](seed)


def test_every_field_can_be_told_from_its_start() -> None:
    assert all(field.many > FEW for field in FIELDS)
