"""Several shards of one run to the run that a single machine would have made; anything else is refused."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b

from gradaudit.plan.shard import Shard
from gradaudit.report import OutputError, Stored, resumption
from gradaudit.running.record import Audit, Run
from gradaudit.running.resume import first_few


def merged(stored: Sequence[Stored], *, partial: bool = False) -> Audit:
    """One audit of the shards in ``stored``; a single run that is no shard is handed on as it is.

    ``partial`` lets shards be missing or unfinished: what comes out then is not complete. Raises OutputError for runs
    that are no shards, or shards of different runs; for a shard that is there twice; and, unless ``partial``, for one
    that is missing or did not finish.
    """
    if len(stored) == 1 and stored[0].run.shard is None:
        return stored[0].audit()
    first = stored[0]
    for other in stored:
        _require_shard(other)
        _require_kin(first, other)
    _require_each_once(stored)
    absent = _absent(stored)
    if not partial:
        _require_all(absent, stored)
    audits = [one.audit() for one in stored]
    results = {result.case.id: result for audit in audits for result in audit.results}
    in_order = tuple(results[one.id] for one in first.plan if one.id in results)
    complete = not absent and all(audit.run.complete for audit in audits)
    run = first.run if len(stored) == 1 else _joined([audit.run for audit in audits])
    return Audit(replace(run, complete=complete), in_order, plan=first.plan)


def _require_shard(stored: Stored) -> None:
    if stored.run.shard is None:
        remedy = "make shards with 'gradaudit run --shard i/n', or report one run at a time"
        raise OutputError(f"{stored.path}: a whole run, and only shards merge; {remedy}")


def _require_kin(first: Stored, other: Stored) -> None:
    """Shards of one suite, plan and seed, split among as many machines."""
    for what, one, two in (
        ("suite", first.run.suite, other.run.suite),
        ("seed", first.run.seed, other.run.seed),
        ("number of shards", _count(first), _count(other)),
    ):
        if one != two:
            raise _stranger(first, other, f"{what} {two}, and {one} there")
    if first.plan != other.plan:
        raise _stranger(first, other, _difference(first, other))


def _stranger(first: Stored, other: Stored, difference: str) -> OutputError:
    remedy = "run all shards of the same files with the same options"
    return OutputError(f"{other.path}: no shard of the same run as {first.path}: {difference}; {remedy}")


def _difference(first: Stored, other: Stored) -> str:
    one, two = ({planned.id: planned.fingerprint for planned in stored.plan} for stored in (first, other))
    for id_ in (*one, *two):
        if id_ not in two:
            return f"case {id_!r} is not in its plan"
        if id_ not in one:
            return f"case {id_!r} is in its plan, and not there"
        if one[id_] != two[id_]:
            return f"case {id_!r} has other settings or inputs"
    return "its cases come in another order"


def _require_each_once(stored: Sequence[Stored]) -> None:
    for shard, count in Counter(one.run.shard for one in stored).items():
        if count > 1:
            places = " and ".join(str(one.path) for one in stored if one.run.shard == shard)
            raise OutputError(f"shard {shard} is there {count} times, in {places}; give each shard once")


def _require_all(absent: Sequence[Shard], stored: Sequence[Stored]) -> None:
    partial = "or render what is there with --partial"
    if absent:
        raise OutputError(
            f"{len(absent)} of {_count(stored[0])} shards {'is' if len(absent) == 1 else 'are'} missing:"
            f" {first_few(absent)}; give all of them, {partial}"
        )
    for one in stored:
        if not one.run.complete:
            raise OutputError(
                f"{one.path}: shard {one.run.shard} did not finish, {len(one.missing())} cases are missing;"
                f" finish it with '{resumption(one.run)}', {partial}"
            )


def _absent(stored: Sequence[Stored]) -> list[Shard]:
    there = {one.run.shard for one in stored}
    count = _count(stored[0])
    return [shard for shard in (Shard(index, count) for index in range(1, count + 1)) if shard not in there]


def _count(stored: Stored) -> int:
    return stored.run.shard.count if stored.run.shard else 1


def _joined(runs: Sequence[Run]) -> Run:
    """The shards ran side by side, so the longest of them took as long as all."""
    first = min(runs, key=lambda run: run.id)
    # the same shards make the same run, whoever merges them and in whatever order
    digest = blake2b("\n".join(sorted(run.id for run in runs)).encode(errors="surrogatepass"), digest_size=3)
    return replace(
        first,
        id=f"{first.id.rsplit('-', 1)[0]}-{digest.hexdigest()}",
        started=min(run.started for run in runs),
        duration_s=max(run.duration_s for run in runs),
        shard=None,
        resumed=(),
        arguments=tuple(_without_shard(iter(first.arguments))),
    )


def _without_shard(words: Iterator[str]) -> Iterator[str]:
    for word in words:
        if word == "--shard":
            next(words, None)  # its value
        elif not word.startswith("--shard="):
            yield word
