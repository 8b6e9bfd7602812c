"""The shelf: a format is a module of this folder with a ``SUFFIX`` and a ``render(audit) -> str``.

One whose text may grow too large for one file has a ``files(audit, name) -> {name: text}`` too.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from gradaudit.report import _certificates, csv, html, jsonl, run_json
from gradaudit.report._files import OutputError, require_writable, write_whole
from gradaudit.running.record import Audit, Run


@cache
def formats() -> dict[str, ModuleType]:
    """Every format by the suffix that chooses it, in alphabetical order."""
    import gradaudit.report as shelf

    names = sorted(part.name for part in iter_modules(shelf.__path__) if not part.name.startswith("_"))
    modules = [import_module(f"{shelf.__name__}.{name}") for name in names]
    return {module.SUFFIX: module for module in modules}


def format_of(path: Path) -> ModuleType:
    """The format whose suffix `path` ends with; the longest wins (``.junit.xml``).

    Raises OutputError where no format does.
    """
    known = formats()
    for suffix in sorted(known, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return known[suffix]
    longer = [path.with_suffix(suffix) for suffix in known if path.suffix and suffix.endswith(path.suffix.lower())]
    hint = f"did you mean {longer[0]}?" if longer else f"end it with one of {', '.join(sorted(known))}"
    raise OutputError(f"cannot tell the format of {path} by its name; {hint}")


def check(paths: Sequence[Path]) -> None:
    """Refuse outputs now that could not be written after the run. Raises OutputError."""
    for path in paths:
        format_of(path)
    for path in paths:
        for other in paths:
            if other.resolve() in path.resolve().parents:
                raise OutputError(
                    f"cannot write {path}: its folder would be {other}, which is to be a file; "
                    "choose another place with -o PATH"
                )
        require_writable(path)


def render(audit: Audit, path: Path) -> None:
    """Write the audit to `path` in the format that its name ends with.

    Raises OutputError for an unknown ending or a place that cannot be written.
    """
    for name, text in _texts(format_of(path), audit, path.name).items():
        write_whole(path.parent / name, text)


def write_all(audit: Audit, folder: Path) -> None:
    """Write what a run leaves into `folder`, whole file by whole file.

    ``results.jsonl`` is written only where it is missing: it is the truth, and was appended while the run went on.
    """
    for name, text in _files(audit):
        write_whole(folder / name, text)
    if not (folder / "results.jsonl").exists():
        write_whole(folder / "results.jsonl", jsonl.render(audit))


def write_beginning(run: Run, folder: Path) -> None:
    """Leave ``run.json`` in `folder` and ``latest.json`` beside it before the first case: a killed run has them too."""
    audit = Audit(run, ())
    write_whole(folder / "run.json", run_json.render(audit))
    write_latest(audit, folder)


def write_latest(audit: Audit, folder: Path) -> None:
    """Let ``latest.json``, beside the run's `folder`, point to this run."""
    write_whole(folder.parent / "latest.json", run_json.latest(audit))


def read(folder: Path, *, brief: bool = False, only: Collection[str] | None = None) -> Audit:
    """The audit that a run left in `folder`; if `brief`, without evidence. Raises OutputError if it cannot be read.

    ``only`` are the ids of the cases that are wanted, where not all are.
    """
    return jsonl.read_stored(folder / "results.jsonl", brief=brief, only=only).audit()


def _files(audit: Audit) -> Iterator[tuple[str, str]]:
    # One after the other: what is written stays, whatever happens to the next.
    yield "run.json", run_json.render(audit)
    yield "results.csv", csv.render(audit)
    yield "elements.csv", csv.elements(audit)
    yield "curves.csv", csv.curves(audit)
    if any(result.verdict.power for result in audit.results):
        yield "power.csv", csv.power(audit)
    if _certificates.certified(audit):
        yield "certificates.csv", csv.certificates(audit)
    yield from html.files(audit, "report.html").items()


def _texts(format_: ModuleType, audit: Audit, name: str) -> Mapping[str, str]:
    """All files of one output: its own, and what a format puts beside it because one file would grow too large."""
    if hasattr(format_, "files"):
        texts: Mapping[str, str] = format_.files(audit, name)
        return texts
    return {name: format_.render(audit)}
