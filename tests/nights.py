"""Nightly runs written out as literals: how each case ended, and their folders on disk."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from report_audit import RUN
from stand_in import a_case

from gradaudit.judge.verdict import Measures, Status, Verdict
from gradaudit.plan.case import Source
from gradaudit.report import jsonl, run_json
from gradaudit.running.record import Audit, Result


def verdict(status=Status.PASS, ratio=0.01, *, text="1", name="ok[i=0]"):
    sources = (Source("function", "m:f", "m.py", 3, text),)
    return Verdict(name, status, measures=Measures(error_over_tolerance=ratio), sources=sources)


def night(number, *ends, case=None, seed=RUN.seed, **fields):
    """The audit of one night, a case for each of ``ends``: a verdict, or a status."""
    started = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
    run = replace(
        RUN,
        id=f"{started:%Y%m%d-%H%M%S}-{number:06x}",
        started=started.isoformat(),
        git={"commit": f"c{number}"},
        seed=seed,
        **fields,
    )
    results = []
    for i, given in enumerate(ends):
        if given is None:
            continue
        found = replace(case or a_case("ok", i), seed=seed)
        made = given if isinstance(given, Verdict) else verdict(given)
        results.append(Result(found, replace(made, id=found.id)))
    return Audit(run, tuple(results))


def kept(home: Path, *audits: Audit) -> Path:
    """The folders that these runs would have left in ``home``."""
    for audit in audits:
        folder = home / audit.run.id
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "results.jsonl").write_text(jsonl.render(audit), encoding="utf-8")
        (folder / "run.json").write_text(run_json.render(audit), encoding="utf-8")
    return home
