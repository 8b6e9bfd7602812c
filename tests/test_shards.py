"""A run dealt out to machines comes together again, and only as that run."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_audit import RUN

from gradaudit.judge.verdict import Status, Verdict
from gradaudit.plan.case import Case, Given, Input, Stored, Target
from gradaudit.plan.fingerprint import fingerprint, planned
from gradaudit.plan.shard import Shard, ShardError, parse_shard
from gradaudit.report import OutputError, jsonl, read_stored
from gradaudit.report import Stored as StoredRun
from gradaudit.running.merge import merged
from gradaudit.running.record import Audit, Result

CASES = [Case(f"f[n={n}]", "f", Target("m:f"), (Input("x", Given((1.0,))),), ("gradient",)) for n in range(20)]


def stored(folder: Path, shard: Shard | None, *, cases=CASES, lost: int = 0, **fields: object) -> StoredRun:
    """A results file as a machine leaves it, of which the last ``lost`` cases are missing."""
    mine = [case for case in cases if shard is None or shard.holds(case.id)]
    results = tuple(Result(case, Verdict(case.id, Status.PASS)) for case in mine[: len(mine) - lost])
    name = f"20261123-0015{len(list(folder.iterdir())):02}-aaaaaa"
    run = replace(RUN, id=name, shard=shard, complete=not lost, **fields)
    path = folder / name / "results.jsonl"
    path.parent.mkdir()
    path.write_text(jsonl.render(Audit(run, results, plan=planned(cases))))
    return read_stored(path)


def shards(folder: Path, count: int = 3, **options) -> list[StoredRun]:
    return [stored(folder, Shard(index, count), **options) for index in range(1, count + 1)]


# dealing out


@given(id_=st.text(), count=st.integers(1, 50))
def test_every_case_belongs_to_exactly_one_shard(id_: str, count: int):
    assert [Shard(index, count).holds(id_) for index in range(1, count + 1)].count(True) == 1


def test_the_deal_is_fixed_for_all_times():
    # another hash would run cases twice, or never, where two versions share a run
    dealt = {index: [case.id for case in CASES if Shard(index, 4).holds(case.id)] for index in range(1, 5)}
    assert {index: len(ids) for index, ids in dealt.items()} == {1: 7, 2: 5, 3: 5, 4: 3}
    assert Shard(3, 7).holds("losses.huber[n=33]")


@pytest.mark.parametrize("text", ["0/3", "4/3", "1/0", "1/10001", "a/b", "1", "1/3/5", "-1/3", "1.0/3", "", "１/３"])
def test_what_is_no_shard_is_refused_with_what_is_allowed(text: str):
    with pytest.raises(ShardError, match=r"allowed: 1/n to n/n|write i/n, such as 2/5"):
        parse_shard(text)


def test_a_shard_is_read_as_it_is_written():
    assert parse_shard(" 2/5 ") == Shard(2, 5)
    assert str(Shard(2, 5)) == "2/5"


# fingerprints


def test_a_fingerprint_tells_what_a_verdict_depends_on_and_nothing_else(tmp_path: Path, monkeypatch):
    case = CASES[0]
    assert fingerprint(replace(case, place="s.yaml:9:9", suite="./s.yaml")) == fingerprint(case)
    others = [
        replace(case, seed=1),
        replace(case, checks=("vjp",)),
        replace(case, inputs=(Input("x", Given((1.5,))),)),
        replace(case, target=Target("m:g")),
    ]
    found = {fingerprint(one) for one in (case, *others)} | {fingerprint(case, power=True)}
    assert len(found) == 6


def test_checkouts_in_several_places_agree(tmp_path: Path, monkeypatch):
    found = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        source = Stored(str(tmp_path / name / "x.npz"))
        found.add(fingerprint(replace(CASES[0], path=(str(tmp_path / name),), inputs=(Input("x", source),))))
    assert len(found) == 1


# merging


def test_all_shards_make_the_run_that_one_machine_would_have_made(tmp_path: Path):
    whole = stored(tmp_path, None).audit()
    audit = merged(shards(tmp_path)[::-1])
    assert repr(audit.results) == repr(whole.results)
    assert audit.plan == whole.plan
    assert (audit.run.complete, audit.run.shard) == (True, None)


def test_who_merges_and_in_which_order_changes_nothing(tmp_path: Path):
    three = shards(tmp_path)
    assert merged(three).run.id == merged(three[::-1]).run.id
    assert merged(three).run.id.startswith("20261123-001500-")
    assert merged(three).run.id not in {one.run.id for one in three}


def test_an_empty_shard_is_no_missing_one(tmp_path: Path):
    assert len(merged(shards(tmp_path, 40)).results) == 20


def test_a_single_run_is_handed_on_as_it_is(tmp_path: Path):
    one = stored(tmp_path, None, lost=3)
    assert merged([one]).run == one.run
    assert len(merged([one]).results) == 17


def test_the_command_line_of_the_whole_has_no_shard(tmp_path: Path):
    arguments = ("run", "s.yaml", "--shard", "1/3", "--seed", "3", "--shard=1/3")
    assert merged(shards(tmp_path, arguments=arguments)).run.arguments == ("run", "s.yaml", "--seed", "3")


def test_missing_shards_are_named(tmp_path: Path):
    with pytest.raises(OutputError, match=r"2 of 3 shards are missing: 1/3, 3/3; give all of them, or .* --partial"):
        merged(shards(tmp_path)[1:2])


def test_a_shard_that_is_there_twice_is_named_with_both_places(tmp_path: Path):
    twice = [*shards(tmp_path), stored(tmp_path, Shard(2, 3))]
    with pytest.raises(OutputError, match=r"shard 2/3 is there 2 times, in .*1501-aaaaaa.* and .*1503-aaaaaa"):
        merged(twice)


def test_an_unfinished_shard_is_named_with_what_finishes_it(tmp_path: Path):
    two = [stored(tmp_path, Shard(1, 2), arguments=("run", "s.yaml", "--shard", "1/2"), lost=2)]
    two.append(stored(tmp_path, Shard(2, 2)))
    with pytest.raises(OutputError, match=r"shard 1/2 did not finish, 2 cases .* run s.yaml --shard 1/2 --resume 2026"):
        merged(two)


def test_a_partial_merge_is_not_complete(tmp_path: Path):
    audit = merged(shards(tmp_path)[1:], partial=True)
    assert 0 < len(audit.results) < 20
    assert not audit.run.complete
    assert not merged(shards(tmp_path)[:1], partial=True).run.complete


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"suite": "weekly"}, "suite weekly, and nightly there"),
        ({"seed": 5}, "seed 5, and 20261122 there"),
        ({"cases": CASES[:-1]}, r"case 'f\[n=19\]' is not in its plan"),
        ({"cases": [*CASES, replace(CASES[0], id="g")]}, "case 'g' is in its plan, and not there"),
        ({"cases": [*CASES[:-1], replace(CASES[-1], seed=5)]}, r"case 'f\[n=19\]' has other settings or inputs"),
        ({"cases": CASES[::-1]}, "its cases come in another order"),
    ],
)
def test_shards_of_different_runs_do_not_merge(tmp_path: Path, options, said: str):
    with pytest.raises(OutputError, match=rf"no shard of the same run as .*: {said}; run all shards of the same files"):
        merged([stored(tmp_path, Shard(1, 2)), stored(tmp_path, Shard(2, 2), **options)])


def test_shards_of_another_number_do_not_merge(tmp_path: Path):
    with pytest.raises(OutputError, match="number of shards 3, and 2 there"):
        merged([stored(tmp_path, Shard(1, 2)), stored(tmp_path, Shard(2, 3))])


def test_a_whole_run_merges_with_nothing(tmp_path: Path):
    with pytest.raises(OutputError, match="a whole run, and only shards merge"):
        merged([stored(tmp_path, Shard(1, 2)), stored(tmp_path, None)])
