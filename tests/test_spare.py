"""The nursery that is started before the suite is read: taken by the run that it fits, and ended with what it is in."""

import os

import pytest
from stand_in import AUDIT, a_case

from gradaudit import backends
from gradaudit.isolation import keeper, spare
from gradaudit.isolation.keeper import Keeper, Task
from gradaudit.isolation.processes import children_of
from gradaudit.judge.verdict import Status, Verdict


@pytest.fixture
def no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on nobody can start a nursery but ``spare``."""

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a second nursery was started")

    monkeypatch.setattr(keeper, "Nursery", refused)


def audited(name: str = "ok", **kept) -> Verdict:
    with Keeper() as keeper:
        return keeper.audit(Task(0, a_case(name, **kept), limit=20.0, audit=AUDIT))


@pytest.mark.usefixtures("no_other")
def test_a_run_takes_the_nursery_that_is_ready():
    with spare.started(AUDIT):
        assert audited().status is Status.PASS


@pytest.mark.usefixtures("no_other")
def test_it_is_taken_once():
    with spare.started(AUDIT):
        audited()
        with pytest.raises(AssertionError, match="a second nursery"):
            audited()


def test_cases_that_ask_for_another_start_have_their_own():
    with spare.started(AUDIT):
        verdict = audited("settings", env=(("OMP_NUM_THREADS", "3"),))
        assert verdict.evidence == "['', '3', '1']"
        ready = spare.claimed(AUDIT, {}, folder=None)
    assert ready is not None
    ready.close()


def test_it_is_left_alone_where_the_surroundings_have_changed_since(monkeypatch: pytest.MonkeyPatch, tmp_path):
    with spare.started(AUDIT):
        assert spare.claimed("other:audit", {}, folder=None) is None
        assert spare.claimed(AUDIT, {}, folder=str(tmp_path)) is None
        monkeypatch.setenv("WORD", "new")
        assert spare.claimed(AUDIT, {}, folder=None) is None


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="only Linux tells whose children there are")
def test_what_nobody_has_taken_is_ended_on_leaving():
    before = children_of(os.getpid())
    with spare.started(AUDIT):
        assert children_of(os.getpid()) != before
    assert children_of(os.getpid()) == before


@pytest.mark.parametrize("asked", [{"backend": "loky"}, {"backend": "dask"}, {"scheduler": "tcp://x"}])
def test_backends_with_processes_of_their_own_have_none_started(asked, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(spare, "started")
    with backends.readied(**asked):
        pass
