"""The whole audit as one JSON document: the run, its summary, and every case with its verdict in plan order.

Format history: 1 — the first; ``power``, as in ``run.json``, came later.
"""

from gradaudit.record import Audit
from gradaudit.report import _codec, _power
from gradaudit.report.run_json import counts
from gradaudit.report.text import summary

SUFFIX = ".json"
FORMAT = 1
KIND = "gradaudit audit"


def render(audit: Audit) -> str:
    """One object with ``format``, ``kind``, ``summary``, ``counts``, ``run`` and ``results``."""
    head = {"format": FORMAT, "kind": KIND, "summary": summary(audit), "counts": counts(audit)}
    return _codec.dumps({**head, **_power.counts(audit), "run": audit.run, "results": audit.results}, indent=1) + "\n"
