"""What a year of nights costs: a trend, a comparison, and making the index anew."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks._table import table
from gradaudit import report
from gradaudit.history import Index, looked_back
from gradaudit.judge.verdict import CurvePoint, Element, Measures, Status, Verdict
from gradaudit.plan.case import Case, Drawn, Input, Target
from gradaudit.report import run_json
from gradaudit.running.record import Audit, Result, Run

NIGHTS, CASES, REPEATS = 365, 500, 5


def run() -> str:
    """Seconds for each way of looking back, the least of a few."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for number in range(NIGHTS):
            _keep(home, _night(number))
        anew = _seconds(lambda: Index(home).__exit__(None, None, None), repeats=1)
        tonight = _night(NIGHTS)
        rows = [
            ("make the index anew", anew, ""),
            ("open the index, nothing new", _seconds(lambda: Index(home).__exit__(None, None, None)), ""),
            ("trend of one case", _seconds(lambda: _trend(home)), "< 0.05"),
            ("a night beside its baseline, with 30 nights", _seconds(lambda: looked_back(tonight, home)), "< 0.5"),
        ]
    texts = [(name, f"{seconds:.3f}", goal) for name, seconds, goal in rows]
    return table(f"A history of {NIGHTS} nights of {CASES} cases", ("", "s", "goal"), texts)


def _trend(home: Path) -> None:
    with Index(home) as index:
        assert len(index.trend(["case 7"])) == NIGHTS


def _seconds(call: Callable[[], object], *, repeats: int = REPEATS) -> float:
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return min(taken)


def _keep(home: Path, audit: Audit) -> None:
    report.render(audit, home / audit.run.id / "results.jsonl")
    (home / audit.run.id / "run.json").write_text(run_json.render(audit), encoding="utf-8")


def _night(number: int) -> Audit:
    rng = np.random.default_rng(number)
    started = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
    run = Run(
        id=f"{started:%Y%m%d-%H%M%S}-{number:06x}",
        suite="nights",
        files=("nights.yaml",),
        started=started.isoformat(),
        duration_s=60.0,
        complete=True,
        seed=0,
        arguments=(),
        versions={},
        git={"commit": f"{number:040x}"},
        machine={},
    )
    return Audit(run, tuple(_result(i, rng) for i in range(CASES)))


def _result(number: int, rng: np.random.Generator) -> Result:
    """A case as large as an ordinary one: eight elements, a curve of fourteen steps."""
    case = Case(f"case {number}", f"case {number}", Target("m:f"), (Input("x", Drawn((3,))),), ("gradient",))
    status = Status.FAIL if rng.random() < 0.01 else Status.PASS
    element = Element("gradient", status, "out", "x[0]", *rng.random(7))
    point = CurvePoint("gradient", "out", "x[0]", *rng.random(4))
    verdict = Verdict(case.id, status, measures=Measures(error_over_tolerance=rng.random()))
    return Result(case, replace(verdict, elements=(element,) * 8, curves=(point,) * 14))
