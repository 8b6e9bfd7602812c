"""The line that runs one case again, exactly as it ran."""

import shlex
from collections.abc import Iterator

from gradaudit.audit import Run
from gradaudit.plan.case import Case

# What the command line of the run may have changed about a case; selection and outputs are not among them.
_CARRIED = ("--seed", "--set", "--profile")


def command(case: Case, run: Run) -> str:
    """A shell line: ``gradaudit run configs/suite.yaml --id 'huber[n=33]'``, with the overrides of the run."""
    files = (case.suite,) if case.suite else run.files
    # An id that starts with a dash would be read as an option.
    selection = (f"--id={case.id}",) if case.id.startswith("-") else ("--id", case.id)
    return shlex.join(("gradaudit", "run", *files, *_overrides(run.arguments), *selection))


def _overrides(arguments: tuple[str, ...]) -> Iterator[str]:
    words = iter(arguments)
    for word in words:
        name, equals, _ = word.partition("=")
        if name in _CARRIED:
            yield word if equals else f"{word}={next(words, '')}"
