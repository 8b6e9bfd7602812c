"""What a case checks: what the suite says, else what its claims say."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from gradaudit.suite.problem import Problem
from gradaudit.suite.quantities import as_sentence, is_module
from gradaudit.suite.schema import CLAIMS
from gradaudit.suite.shelves import declared, parts
from gradaudit.suite.suite import Entry, Setting


def checks_of(entry: Entry, settings: Mapping[str, Setting[Any]]) -> tuple[tuple[str, ...], list[Problem]]:
    """Names on the ``checks`` shelf, and what stands against them, as far as the entry knows what is asked for."""
    kinds = [kind for kind, _ in entry.keys.claims]
    engine, asked = settings["engine"].value, settings["checks"]
    if not entry.knows(*CLAIMS):
        return (), []
    if not entry.knows("engine", "checks"):
        return (), _second_order(entry, kinds)
    if not kinds and engine is not None and not _differentiates(engine):
        return (), [entry.problem(f"engine {engine!r} needs a claimed derivative; add one of {', '.join(CLAIMS)}")]
    problems = _second_order(entry, kinds)
    if not isinstance(asked.value, list):
        return default_checks(kinds), problems
    if not asked.value and asked.layer:
        problems.append(asked.layer.problem("'checks' is empty; leave it out, and the claims decide", "checks"))
    for check in asked.value:
        if kinds and not _differentiates(engine) and not _is_claimed(check, kinds) and asked.layer:
            claims = as_sentence([repr(kind) for kind in kinds])
            message = f"check {check!r} needs {_needs(check)}; {entry.keys.label!r} claims {claims}"
            problems.append(asked.layer.problem(message, "checks"))
    return tuple(dict.fromkeys(asked.value)), problems


def default_checks(kinds: Sequence[str]) -> tuple[str, ...]:
    """The check of each claim, and those that come unasked; the engine's own derivative is a vjp."""
    return _default_checks(tuple(kinds))


@cache
def _default_checks(kinds: tuple[str, ...]) -> tuple[str, ...]:
    names = ["gradient" if kind == "value_and_gradient" else kind for kind in kinds or ("vjp",)]
    unasked = (check for check in parts("checks") if declared("checks", check, "unasked"))
    return tuple(dict.fromkeys([*names, *(check for check in unasked if _is_claimed(check, kinds))]))


def _differentiates(engine: str | None) -> bool:
    """Whether an engine needs no claim: its file says so, and a user's own may not need one either."""
    if engine is None:
        return False
    return is_module(engine) or (engine in parts("engines") and bool(declared("engines", engine, "differentiates")))


def _is_claimed(check: str, kinds: Sequence[str]) -> bool:
    return any(needed <= set(kinds) for needed in claims_for(check))


def claims_for(check: str) -> tuple[frozenset[str], ...]:
    """The sets of claims of which a check needs one, as its file says: a set is a word, or a tuple of words."""
    found = declared("checks", check, "claims") if check in parts("checks") else None
    alternatives = found if isinstance(found, tuple) else (check,)
    return tuple(frozenset(kind if isinstance(kind, tuple) else (kind,)) for kind in alternatives)


def _needs(check: str) -> str:
    """``a claim 'vjp'``, ``claims 'jvp' and 'vjp'``, or several of such with an "or"."""
    sets = [sorted(map(repr, needed)) for needed in claims_for(check)]
    return " or ".join(f"{'claims' if len(names) > 1 else 'a claim'} {as_sentence(names)}" for names in sets)


def _second_order(entry: Entry, kinds: list[str]) -> list[Problem]:
    """Second derivatives are differences of a gradient: without one there is nothing to compare with."""
    if "gradient" in kinds or "value_and_gradient" in kinds:
        return []
    return [
        entry.problem(f"{kind!r} is checked against differences of the gradient; add 'gradient'", kind)
        for kind in kinds
        if kind in ("hessian", "hvp")
    ]
