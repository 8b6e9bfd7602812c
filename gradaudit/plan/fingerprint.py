"""What a case was when it ran: two runs of a case with one fingerprint measured the same thing in the same way."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b

from gradaudit.plan.case import Case, Input, Stored


@dataclass(frozen=True)
class Planned:
    """A case that a run is to audit: enough to know whether a stored result is its result."""

    id: str
    fingerprint: str  #: 16 hexadecimal digits


def planned(cases: Iterable[Case], *, power: bool = False) -> tuple[Planned, ...]:
    """The cases of a run, with or without its self-test of power."""
    return tuple(Planned(case.id, fingerprint(case, power=power)) for case in cases)


def fingerprint(case: Case, *, power: bool = False) -> str:
    """A digest of everything in ``case`` that a verdict may depend on.

    Left out is where it and its settings stand in the suite, so that a comment or a new neighbour changes nothing.
    Folders and files count relative to the current folder, so that checkouts on several machines agree. What the
    functions themselves do, and what a file of values holds, is not looked at.
    """
    neutral = replace(
        case,
        place="",
        suite="",
        was=(),
        origins=(),
        path=tuple(map(_relative, case.path)),
        inputs=tuple(map(_relocated, case.inputs)),
    )
    text = repr((neutral, power))
    return blake2b(text.encode("utf-8", errors="surrogatepass"), digest_size=8).hexdigest()


def _relocated(given: Input) -> Input:
    source = given.source
    return replace(given, source=replace(source, file=_relative(source.file))) if isinstance(source, Stored) else given


def _relative(path: str) -> str:
    try:
        return os.path.relpath(path)
    except ValueError:  # another drive
        return path
