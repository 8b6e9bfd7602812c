"""One suite on a dask cluster of this machine with 1 … 4 workers, beside the same without a cluster.

By the clock, whole commands; the cluster is there before, as it is where people have one. What a start and a further
case take follows from two lengths of the suite. With more workers than cores the table tells what they cost.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from benchmarks._program import least, program
from benchmarks._table import table
from benchmarks.parallel import MANY_CASE, MODULE
from benchmarks.suites import NUMPY, NUMPY_CASE

WORKERS = (1, 2, 3, 4)
ROUNDS = 2
#: Name of the suite: its module, the text of that, a case, and two lengths, long enough for calls to have found theirs.
SUITES = {
    "4 elements": ("numpy_functions", NUMPY, NUMPY_CASE, (200, 1200)),
    "768 elements": ("many", MODULE, MANY_CASE, (50, 350)),
}
ALONE = "run -j {}, no cluster"


def run() -> str:
    """The table, where dask is installed."""
    if find_spec("distributed") is None:
        return "dask is not installed: pip install 'gradaudit[dask]' makes this table."
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for suite, (module, text, case, lengths) in SUITES.items():
            (folder / f"{module}.py").write_text(text)
            for count in lengths:
                listed = "".join(case.format(number=number, size=4) for number in range(count))
                head = f"version: 1\npath: ['{folder}']\n"
                (folder / f"{suite} {count}.yaml").write_text(f"{head}functions:{listed}\n")
        measured = {ALONE.format(jobs): _taken(folder, "-j", str(jobs)) for jobs in (1, 2)}
        for workers in WORKERS:
            with _cluster(workers) as address:
                measured[f"dask, {workers} workers"] = _taken(folder, "--scheduler", address)
    columns = ("suite on", *(f"{suite}: {head}" for suite in SUITES for head in ("start s", "ms a case", "speedup")))
    return table("A dask cluster on this machine, by the clock", columns, _rows(measured))


Taken = dict[str, tuple[float, float]]  #: s of the start and s of a further case, by suite


def _rows(measured: dict[str, Taken]) -> Iterator[tuple[str, ...]]:
    reference = measured[ALONE.format(1)]
    for name, taken in measured.items():
        cells = (
            (f"{start:.2f}", f"{1e3 * case:.1f}", f"{reference[s][1] / case:.2f}") for s, (start, case) in taken.items()
        )
        yield (name, *(cell for three in cells for cell in three))


def _taken(folder: Path, *options: str) -> Taken:
    """The line through two lengths of each suite."""
    found: Taken = {}
    for suite, (*_, lengths) in SUITES.items():
        few, many = (_seconds(folder, f"{suite} {count}.yaml", *options) for count in lengths)
        case = (many - few) / (lengths[1] - lengths[0])
        found[suite] = few - lengths[0] * case, case
    return found


def _seconds(folder: Path, suite: str, *options: str) -> float:
    call: Callable[[], None] = program(folder, "run", suite, *options, "--baseline", "none", "--format", "quiet")
    return least({suite: call}, rounds=ROUNDS)[suite].seconds


@contextmanager
def _cluster(workers: int) -> Iterator[str]:
    """The address of a cluster with so many workers of one thread each, in processes of their own."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as cluster:
        yield cluster.scheduler_address
