"""What a case checks: what the suite says, else what its claims say."""

from collections.abc import Mapping
from typing import Any

from gradaudit.suite.problem import Problem
from gradaudit.suite.quantities import as_sentence, is_module
from gradaudit.suite.schema import CLAIMS
from gradaudit.suite.suite import Entry, Setting

#: engines that differentiate by themselves: they need no claim, and a user's own may not either
DIFFERENTIATING = ("tape", "torch", "jax", "autograd")
_CLAIM_OF_CHECK = {"gradient": ("gradient", "value_and_gradient")}


def checks_of(entry: Entry, settings: Mapping[str, Setting[Any]]) -> tuple[tuple[str, ...], list[Problem]]:
    """Names on the ``checks`` shelf, and what stands against them."""
    kinds = [kind for kind, _ in entry.keys.claims]
    engine, asked = settings["engine"].value, settings["checks"]
    if not kinds and engine is not None and engine not in DIFFERENTIATING and not is_module(engine):
        return (), [entry.problem(f"engine {engine!r} needs a claimed derivative; add one of {', '.join(CLAIMS)}")]
    problems = _second_order(entry, kinds)
    if not isinstance(asked.value, list):
        return _default(kinds), problems
    if not asked.value and asked.layer:
        problems.append(asked.layer.problem("'checks' is empty; leave it out, and the claims decide", "checks"))
    for check in asked.value:
        if kinds and not _is_claimed(check, kinds) and asked.layer:
            claims = as_sentence([repr(kind) for kind in kinds])
            message = f"check {check!r} needs a claim {check!r}; {entry.keys.label!r} claims {claims}"
            problems.append(asked.layer.problem(message, "checks"))
    return tuple(dict.fromkeys(asked.value)), problems


def _default(kinds: list[str]) -> tuple[str, ...]:
    """The check of each claim; the engine's own derivative is a vjp."""
    names = ("gradient" if kind == "value_and_gradient" else kind for kind in kinds or ("vjp",))
    return tuple(dict.fromkeys(names))


def _is_claimed(check: str, kinds: list[str]) -> bool:
    return any(kind in kinds for kind in _CLAIM_OF_CHECK.get(check, (check,)))


def _second_order(entry: Entry, kinds: list[str]) -> list[Problem]:
    """Second derivatives are differences of a gradient: without one there is nothing to compare with."""
    if "gradient" in kinds or "value_and_gradient" in kinds:
        return []
    return [
        entry.problem(f"{kind!r} is checked against differences of the gradient; add 'gradient'", kind)
        for kind in kinds
        if kind in ("hessian", "hvp")
    ]
