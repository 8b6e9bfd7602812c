"""The whole audit as one JSON document: the run, its summary, and every case with its verdict in plan order.

Format history: 1 — the first; ``power``, as in ``run.json``, and ``history`` came later.
"""

from dataclasses import replace
from typing import Any

from gradaudit.report import _codec, _power
from gradaudit.report.run_json import counts
from gradaudit.report.text import summary
from gradaudit.running.record import Audit, CaseHistory

SUFFIX = ".json"
FORMAT = 1
KIND = "gradaudit audit"


def render(audit: Audit) -> str:
    """One object: ``format``, ``kind``, ``summary``, ``counts``, ``run``, ``results`` and, if known, ``history``."""
    head = {"format": FORMAT, "kind": KIND, "summary": summary(audit), "counts": counts(audit)}
    parts = {**head, **_power.counts(audit), "run": audit.run, "results": audit.results, **_history(audit)}
    return _codec.dumps(parts, indent=1) + "\n"


def _history(audit: Audit) -> dict[str, Any]:
    if audit.history is None:
        return {}
    return {"history": replace(audit.history, cases=tuple(map(_without_curves, audit.history.cases)))}


def _without_curves(case: CaseHistory) -> CaseHistory:
    return replace(case, before=replace(case.before, curves=()) if case.before else None)
