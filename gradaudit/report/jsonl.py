"""``results.jsonl``: the truth of a run, one line a case, appended as cases finish; all else is rendered from it.

Every line is a JSON object that ends with a checksum (``_lines``). The first says what is to come:

    {"format":2,"kind":"gradaudit results","run":{…},"plan":[{"id":…,"fingerprint":…},…],"crc":…}

with everything that is known of the run, and every selected case, those of other shards too. A line like it stands
wherever the run was resumed, and replaces it. A finished case is ``{"fingerprint":…,"case":…,"verdict":…,"crc":…}``; it
counts while the plan has its id with its fingerprint, and of two such lines the last one counts. Its ``"elapsed_s"``
is how long the run had taken by then, in all its parts: a run that is killed has no other word for that. Where it was
not, ``{"ended":{"duration_s":…,"complete":…},"crc":…}`` is the last line.

Format history: 1 — the first: no checksums, ``position`` for the order, and the run in ``run.json`` alone;
2 — checksums, run and plan in the file itself, so that it can be resumed, merged and rendered again; ``elapsed_s``
came later.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gradaudit.plan.fingerprint import Planned, planned
from gradaudit.report import _codec, _lines, run_json
from gradaudit.report._files import OutputError
from gradaudit.running.record import Audit, Result, Run

SUFFIX = ".jsonl"
FORMAT = 2
KIND = "gradaudit results"
#: What makes a verdict large, and only a report shows: building it takes half the time of reading a file.
EVIDENCE = frozenset({"elements", "curves", "heat", "power", "certificates", "printed", "traceback"})


@dataclass(frozen=True)
class Stored:
    """What a results file holds."""

    path: Path
    run: Run  #: as far as the file knows: complete only where nothing is missing
    plan: tuple[Planned, ...]
    results: Mapping[str, Result]  #: by id, those that count, in the order of the plan
    damaged: tuple[tuple[int, str], ...] = ()  #: number of a line, from 1, and what is wrong with it
    length: int = 0  #: bytes up to the end of the last line that has one: what follows is torn

    def missing(self) -> list[str]:
        """Ids of the cases that were to run and have no result."""
        mine = (one.id for one in self.plan if self.run.shard is None or self.run.shard.holds(one.id))
        return [id_ for id_ in mine if id_ not in self.results]

    def audit(self) -> Audit:
        """The run, finished or not. Raises OutputError where a damaged line has taken a case with it."""
        if self.damaged and self.missing():
            number, why = self.damaged[0]
            remedy = f"add --resume {self.run.id} to its command line, and that case runs again"
            raise OutputError(f"{self.path}:{number}: damaged result: {why}; {remedy}")
        return Audit(self.run, tuple(self.results.values()), plan=self.plan)


def render(audit: Audit) -> str:
    """The results file that a run would have left, had its cases finished in plan order."""
    plan = audit.plan or planned(result.case for result in audit.results)
    fingerprints = {one.id: one.fingerprint for one in plan}
    lines = [head(audit.run, plan)]
    lines += [result_line(result, fingerprints.get(result.case.id, "")) for result in audit.results]
    return b"".join(map(_lines.sealed, (*lines, end_line(audit.run)))).decode("ascii")


def head(run: Run, plan: Sequence[Planned]) -> dict[str, object]:
    """The first line, and the one where a run was resumed."""
    return {"format": FORMAT, "kind": KIND, "run": run, "plan": tuple(plan)}


def result_line(result: Result, fingerprint: str, *, elapsed_s: float | None = None) -> dict[str, object]:
    """The line of a case that had finished ``elapsed_s`` after the beginning of its run; None: nobody knows."""
    line: dict[str, object] = {"fingerprint": fingerprint, "case": result.case, "verdict": result.verdict}
    return line if elapsed_s is None else {**line, "elapsed_s": round(elapsed_s, 3)}


def end_line(run: Run) -> dict[str, object]:
    """The last line of a run that was not killed."""
    return {"ended": {"duration_s": run.duration_s, "complete": run.complete}}


def read_stored(path: Path, *, brief: bool = False, only: Collection[str] | None = None) -> Stored:
    """What is in a results file, of any format up to this one; if ``brief``, verdicts come without their evidence.

    ``only`` are ids: a few cases of a large run are read in a fraction of the time that all of them take.

    A last line that was torn by a dying process is passed over. Raises OutputError for a file that cannot be read, is
    no results file, or comes from a newer gradaudit; the message names the line.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    length = sum(map(len, lines[:-1])) + len(lines) - 1
    if _format(path, lines[0]) == 1:
        return _read_first_format(path, lines, length)
    reading = _Reading(path, brief=brief, only=only)
    for number, line in enumerate(lines[:-1], start=1):
        if line:
            reading.take(number, line)
    return reading.stored(length)


def _format(path: Path, line: bytes) -> int:
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.get("kind") != KIND:
        raise OutputError(f"{path}:1: not a results file; its first line should say {KIND!r}")
    found = header.get("format")
    if type(found) is not int or not 1 <= found <= FORMAT:
        raise OutputError(
            f"{path}:1: results of format {found}, allowed up to {FORMAT}; upgrade gradaudit to read them"
        )
    return found


@dataclass
class _Reading:
    """A file of format 2, line by line."""

    path: Path
    brief: bool = False
    only: Collection[str] | None = None
    run: Run | None = None
    plan: tuple[Planned, ...] = ()
    results: dict[tuple[str, str], Result] = field(default_factory=dict)  #: by id and fingerprint
    ended: Mapping[str, Any] | None = None
    elapsed_s: float = 0.0  #: by the last line that knows
    damaged: list[tuple[int, str]] = field(default_factory=list)

    def take(self, number: int, line: bytes) -> None:
        try:
            self.understand(_lines.opened(line))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            if self.run is None:
                problem = f"{self.path}:{number}: damaged first line: {error}"
                raise OutputError(f"{problem}; it cannot be read or resumed: run the suite again") from error
            self.damaged.append((number, str(error)))

    def understand(self, data: dict[str, Any]) -> None:
        if "run" in data:
            run = _codec.from_plain(Run, data["run"])
            plan = _codec.from_plain(tuple[Planned, ...], data["plan"])
            plan = tuple(one for one in plan if self.wants(one.id))
            self.run, self.plan, self.ended, self.elapsed_s = run, plan, None, run.duration_s
        elif "ended" in data:
            self.ended = _ended(data["ended"])
        elif self.wants(_codec.from_plain(str, data["case"]["id"])):
            result: Result = _codec.from_plain(Result, _without_evidence(data) if self.brief else data)
            self.elapsed_s = _codec.from_plain(float, data.get("elapsed_s", self.elapsed_s))
            self.results[result.case.id, str(data["fingerprint"])] = result

    def wants(self, id_: str) -> bool:
        return self.only is None or id_ in self.only

    def stored(self, length: int) -> Stored:
        if self.run is None:
            raise OutputError(f"{self.path}:1: the first line is torn; nothing was measured: run the suite again")
        found = {one.id: self.results.get((one.id, one.fingerprint)) for one in self.plan}
        results = {id_: result for id_, result in found.items() if result is not None}
        stored = Stored(self.path, self.run, self.plan, results, tuple(self.damaged), length)
        ended = self.ended or {"duration_s": self.elapsed_s, "complete": True}
        complete = ended["complete"] and not stored.missing()
        return replace(stored, run=replace(self.run, duration_s=ended["duration_s"], complete=complete))


def _without_evidence(data: dict[str, Any]) -> dict[str, Any]:
    verdict = {name: value for name, value in dict(data["verdict"]).items() if name not in EVIDENCE}
    return {**data, "verdict": verdict}


def _ended(data: Any) -> dict[str, Any]:
    duration: float = _codec.from_plain(float, data["duration_s"])
    return {"duration_s": duration, "complete": _codec.from_plain(bool, data["complete"])}


def _read_first_format(path: Path, lines: list[bytes], length: int) -> Stored:
    """A file that has no plan, and its run beside it."""
    found: dict[str, tuple[float, Result]] = {}
    for position, result in _first_format_records(path, lines):
        found[result.case.id] = (position, result)
    ordered = sorted(found.values(), key=lambda item: item[0])
    run = run_json.read_run(path.parent / "run.json")
    return Stored(path, run, (), {result.case.id: result for _, result in ordered}, length=length)


def _first_format_records(path: Path, lines: list[bytes]) -> Iterator[tuple[float, Result]]:
    for number, line in enumerate(lines[1:], start=2):
        if not line:
            continue
        try:
            data = _lines.plain(line)
            # Without a position, "after all that have one": sorting is stable.
            yield _codec.from_plain(float, data.get("position", float("inf"))), _codec.from_plain(Result, data)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            if number == len(lines):  # no line end after it: the process died while writing
                return
            raise OutputError(f"{path}:{number}: damaged result: {error}; run the suite again") from error
