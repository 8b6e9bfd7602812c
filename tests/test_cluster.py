"""What every cluster does alike, without one."""

from contextlib import closing
from pathlib import Path

import pytest
from stand_in import AUDIT, a_case

from gradaudit.backends import _preflight
from gradaudit.backends._cluster import GRACE, allowed, telling
from gradaudit.backends._crew import Crew
from gradaudit.isolation.keeper import Keeper, Task
from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan.case import Case, Target


@pytest.mark.parametrize("retries", [0, 1])
@pytest.mark.parametrize("fallback", [None, AUDIT])
def test_a_worker_may_take_as_long_as_all_the_audits_that_a_keeper_may_make_of_a_case(
    tmp_path: Path, retries: int, fallback: str | None
):
    counted = tmp_path / "counted"
    surroundings = {"env": (("COUNTED", str(counted)),)}
    task = Task(
        1, a_case("counts_and_hangs", **surroundings), limit=0.3, retries=retries, fallback=fallback, audit=OTHER
    )
    with Keeper() as keeper:
        keeper.audit(Task(0, a_case("ok", **surroundings), audit=OTHER))
        keeper.audit(task)
    audits = len(counted.read_text().splitlines())
    assert audits == 2 + retries + (0 if fallback is None else 1 + retries)
    assert allowed([task]) == pytest.approx(audits * task.limit + GRACE)


def test_each_newcomer_that_is_not_used_is_told_of_once():
    problems, told = [["b has no numpy"], ["b has no numpy"], ["b has no numpy", "c has no scipy"]], []
    verdict = Verdict("a", Status.PASS)
    answers = ((index, verdict) for index in range(3))
    refused = iter(problems).__next__
    assert list(telling(answers, refused, told.append, who="node")) == [(index, verdict) for index in range(3)]
    assert told == [f"a node that joined later is not used: {problem}" for problem in problems[-1]]


def test_workers_are_asked_once_for_what_cases_import_whatever_else_they_are_called_with():
    called = [Case(f"{i}", "sin", Target("math:sin", args=([i],), kwargs=(("k", [i]),)), (), ()) for i in range(3)]
    needs = _preflight.needs_of([Task(i, case) for i, case in enumerate(called)])
    assert [task.case.id for task in needs.imports] == ["0"]


def test_a_worker_may_take_for_ever_for_a_case_without_a_limit():
    assert allowed([Task(0, a_case("ok"))]) is None
    assert allowed([Task(0, a_case("ok"), limit=1.0), Task(1, a_case("ok", 1))]) is None


def test_a_worker_may_take_for_cases_together_what_it_may_take_for_each_and_is_waited_for_once():
    tasks = [Task(index, a_case("ok", index), limit=float(index + 1)) for index in range(3)]
    assert allowed(tasks) - GRACE == pytest.approx(sum(allowed([task]) - GRACE for task in tasks))


def test_cases_together_are_audited_in_turn_each_with_its_own_verdict_whatever_the_others_do():
    names = ["ok", "raises", "exits", "ok", "hangs", "ok"]
    tasks = [Task(7 + i, a_case(name, i), limit=1.0, audit=AUDIT) for i, name in enumerate(names)]
    with closing(Crew("")) as crew:
        answers = crew.audit(tasks)
    assert [index for index, _ in answers] == [task.index for task in tasks]
    assert [verdict.id for _, verdict in answers] == [task.case.id for task in tasks]
    assert [verdict.status for _, verdict in answers] == ["pass", "error", "crash", "pass", "timeout", "pass"]


OTHER = "stand_in:audit_again"
