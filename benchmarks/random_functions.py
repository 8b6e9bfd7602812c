"""Random functions by the thousand, at seeds that nobody has looked at: the false alarms and the misses, one by one.

``python -m benchmarks random_functions --from=100000 --count=2000``: expression trees as in ``verdicts``, by gradaudit
alone. Errors of less than 1 % are counted, not listed.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import chain

from joblib import Parallel, delayed

from benchmarks._table import table
from benchmarks.verdicts import GRAVE, OWN, Record, records_of
from gradaudit.judge.element import Outcome

START, COUNT = 400_000, 200
JOBS = -1  #: on all cores: nothing is timed here

Row = tuple[str, ...]


def run(*options: str) -> str:
    """Both tables. Raises SystemExit for an option that is not known."""
    start, count = _parse(options)
    found = Parallel(n_jobs=JOBS)(delayed(_judged)(seed) for seed in range(start, start + count))
    counts = Counter[tuple[bool, int]]()
    for one, _ in found:
        counts += one
    rows = list(chain.from_iterable(listed for _, listed in found))
    return "\n\n".join(
        [
            table(f"{count:,} random functions from seed {start}", ("claims", *OUTCOMES.values()), _counted(counts)),
            table("False alarms, and errors of 1 % and more that passed", ("function", "claim", "error", "said"), rows),
        ]
    )


OUTCOMES = {Outcome.PASS: "pass", Outcome.FAIL: "fail", Outcome.INCONCLUSIVE: "inconclusive"}


def _counted(counts: Counter[tuple[bool, int]]) -> Iterator[Row]:
    for right in (True, False):
        yield ("right" if right else "wrong", *(f"{counts[right, outcome]:,}" for outcome in OUTCOMES))


def _judged(seed: int) -> tuple[Counter[tuple[bool, int]], list[Row]]:
    records = records_of("", seed, [OWN])
    counts = Counter((record.right, int(record.answer.outcome)) for record in records)
    return counts, [_row(record) for record in records if _is_bad(record)]


def _is_bad(record: Record) -> bool:
    return record.false_alarm or (record.missed and record.claim.error >= GRAVE)


def _row(record: Record) -> Row:
    said = "fail" if record.false_alarm else "pass"
    return record.situation.problem.name, record.claim.name, f"{record.claim.error:.2g}", said


def _parse(options: tuple[str, ...]) -> tuple[int, int]:
    given = {"--from": START, "--count": COUNT}
    for option in options:
        name, _, value = option.partition("=")
        if name not in given or not value.isdigit():
            raise SystemExit(f"random_functions: {option!r} is unknown, allowed: --from=SEED, --count=N; leave it out")
        given[name] = int(value)
    return given["--from"], given["--count"]
