"""What to type to run one case again, exactly as it ran, in a shell and in Python; and to finish a whole run."""

import shlex
from collections.abc import Iterable, Iterator

from gradaudit.plan.case import Case
from gradaudit.running.record import Run

# What the command line of a run may have changed about a case; selection and outputs are not among them.
_CARRIED = ("--seed", "--set", "--timeout", "--profile")


def command(case: Case, run: Run) -> str:
    """A shell line: ``gradaudit run configs/suite.yaml --id 'huber[n=33]'``, with the overrides of the run."""
    return again(case, files=_files(case, run), arguments=run.arguments)


def again(case: Case, *, files: Iterable[str], arguments: tuple[str, ...]) -> str:
    """The same for a case of ``files`` that no run has; ``arguments`` are options that may change it."""
    overrides = (f"{name}={value}" for name, value in _overrides(arguments))
    # An id that starts with a dash would be read as an option.
    selection = (f"--id={case.id}",) if case.id.startswith("-") else ("--id", case.id)
    return shlex.join(("gradaudit", "run", *files, *overrides, *selection))


def python(case: Case, run: Run) -> str:
    """The same as Python source."""
    given = _overrides(run.arguments)
    settings = dict(value.split("=", 1) for name, value in given if name == "--set" and "=" in value)
    single = dict(given)
    settings |= {name: single[f"--{name}"] for name in ("seed", "timeout") if f"--{name}" in single}
    profile = single.get("--profile")
    files = _files(case, run)
    arguments = [
        repr(files[0] if len(files) == 1 else list(files)),
        f"select=Selection(ids=({case.id!r},))",
        *([f"overrides={settings!r}"] if settings else []),
        *([f"profile={profile!r}"] if profile else []),
    ]
    return f"import gradaudit as ga\nfrom gradaudit.plan import Selection\n\nga.run({', '.join(arguments)})"


def resumption(run: Run) -> str:
    """A shell line that finishes the run: ``gradaudit run suite.yaml -j 2 --resume 20261123-001500-ab12cd``."""
    words = run.arguments or ("run", *run.files)
    return shlex.join(("gradaudit", *_without_resume(iter(words)), "--resume", run.id))


def _without_resume(words: Iterator[str]) -> Iterator[str]:
    word = next(words, None)
    while word is not None:
        after = next(words, None)
        if word == "--resume" and after is not None and not after.startswith("-"):
            after = next(words, None)  # its value
        elif word != "--resume" and not word.startswith("--resume="):
            yield word
        word = after


def _files(case: Case, run: Run) -> tuple[str, ...]:
    return (case.suite,) if case.suite else run.files


def _overrides(arguments: tuple[str, ...]) -> list[tuple[str, str]]:
    return list(_pairs(iter(arguments)))


def _pairs(words: Iterator[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        name, equals, value = word.partition("=")
        if name in _CARRIED:
            yield name, value if equals else next(words, "")
