"""``run.json``: what is true of a whole run; ``latest.json``: which run of a suite is the last one.

Format history: 1 — the first; ``power``, how many claims ended how for each known fault, came later, where it was
asked for.
"""

import json
from pathlib import Path

from gradaudit.report import _codec, _power
from gradaudit.report._files import OutputError
from gradaudit.report._order import count_by_status
from gradaudit.report.text import summary
from gradaudit.running.record import Audit, Run

SUFFIX = ".run.json"
FORMAT = 1
KIND = "gradaudit run"


def render(audit: Audit) -> str:
    """The run's versions, git state, seeds, arguments and machine, and how many cases ended how."""
    head = {"format": FORMAT, "kind": KIND, "summary": summary(audit), "counts": counts(audit)}
    return _codec.dumps({**head, **_power.counts(audit), "run": audit.run}, indent=2) + "\n"


def latest(audit: Audit) -> str:
    """A pointer to the run, for the file beside the run's folder."""
    run = audit.run
    pointer = {"run": run.id, "suite": run.suite, "started": run.started, "complete": run.complete}
    head = {"format": FORMAT, "kind": "gradaudit latest", "summary": summary(audit), "counts": counts(audit)}
    return _codec.dumps({**head, **pointer}, indent=2) + "\n"


def counts(audit: Audit) -> dict[str, int]:
    """``{"cases": 40, "fail": 2, "pass": 38}``."""
    return {"cases": len(audit.results)} | {str(key): value for key, value in count_by_status(audit).items()}


def read_run(path: Path) -> Run:
    """The run in a ``run.json``. Raises OutputError for a file that cannot be read or is none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["kind"] != KIND or data["format"] > FORMAT:
            raise ValueError(f"{data['kind']!r} of format {data['format']}, allowed {KIND!r} up to {FORMAT}")
        run: Run = _codec.from_plain(Run, data["run"])
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror}; the results beside it need it") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        problem = f"{path}: not what a run of format {FORMAT} or older left: {error!r}"
        raise OutputError(f"{problem}; run the suite again") from error
    return run
