"""What a suite asks for that cannot be had here: refused at its place, with what to use instead."""

from collections.abc import Iterator

from gradaudit.libraries import missing
from gradaudit.suite.problem import Problem, did_you_mean, one_of
from gradaudit.suite.quantities import FLOATING, is_module
from gradaudit.suite.shelves import parts
from gradaudit.suite.suite import Entry, Layer


def refusals(entry: Entry) -> Iterator[Problem]:
    """Everything that ``entry`` and the layers above it ask for and cannot have."""
    for layer in _all_layers(entry):
        yield from _layer_refusals(layer)


def _all_layers(entry: Entry) -> Iterator[Layer]:
    yield from entry.layers(None)
    for dtype in FLOATING:
        yield from entry.file.by_dtype(dtype)


def _layer_refusals(layer: Layer) -> Iterator[Problem]:
    engine = getattr(layer.keys, "engine", None)
    if engine is not None and (message := _engine_message(engine)):
        yield layer.problem(message, "engine")
    for i, check in enumerate(getattr(layer.keys, "checks", None) or ()):
        if check not in parts("checks"):
            yield layer.problem(_check_message(check), "checks", i)


def _engine_message(engine: str) -> str | None:
    """Why this engine cannot be had; None where it can. A user's own is not imported before its worker does."""
    if is_module(engine):
        return None
    if engine not in parts("engines"):
        meant = did_you_mean(engine, parts("engines"))
        hint = f"{meant} Or name" if meant else f"{one_of(parts('engines'))}, or"
        return f"unknown engine {engine!r}{hint} a module of your own such as mypkg.engine"
    return missing(engine)


def _check_message(check: str) -> str:
    return f"unknown check {check!r}{did_you_mean(check, parts('checks')) or one_of(parts('checks'))}"
