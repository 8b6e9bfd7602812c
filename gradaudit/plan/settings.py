"""The settings of an entry, for its cases: how they are measured, what stands against that, and where it is said."""

from collections.abc import Iterator, Mapping
from typing import Any

from gradaudit.plan.case import Settings, Tolerance
from gradaudit.suite.problem import Problem
from gradaudit.suite.suite import BUILT_IN, Entry, Setting

#: Every setting with its origin, under its dotted key.
Found = Mapping[str, Setting[Any]]


def settings_of(found: Found) -> Settings:
    """How a case is measured and judged; where there are ``setting_problems``, no case comes of it."""
    rtol, resolution = found["tolerance.rtol"].value, found["tolerance.resolution"].value
    settings = Settings(
        h=found["h"].value,
        tolerance=Tolerance(
            rtol=rtol,
            resolution=None if Tolerance.is_contradictory(rtol, resolution) else resolution,
            atol=found["tolerance.atol"].value,
        ),
        method=found["method"].value,
        extend=found["extend"].value,
        kinks=found["kinks"].value,
        timeout=found["timeout"].value,
    )
    elements = found["elements"].value
    return settings.choosing(elements.kind, elements.count)


def setting_problems(found: Found) -> Iterator[Problem]:
    """What stands against the settings of an entry, each at its place."""
    rtol, resolution = found["tolerance.rtol"], found["tolerance.resolution"]
    if Tolerance.is_contradictory(rtol.value, resolution.value) and resolution.layer is not None:
        message = (
            f"resolution {resolution.value:g} is not above rtol {rtol.value:g}, so that nothing could pass; allowed: "
            f"more than rtol; leave it out to have twice rtol"
        )
        yield resolution.layer.problem(message, "tolerance", "resolution")
    yield from _method_problems(found)


def _method_problems(found: Found) -> Iterator[Problem]:
    """``method: central`` is the plain rule of one h and one tolerance: it needs both said."""
    method = found["method"]
    if method.value != "central" or method.layer is None:
        return
    h = found["h"].value
    if h is None or len(h) != 1:
        got = "auto" if h is None else f"{len(h)} steps"
        yield method.layer.problem(f"method: central needs exactly one h, got {got}; write h: 1e-4", "method")
    if found["elements"].value.kind in ("directions", "auto"):
        message = "method: central has no error bars to certify with; write elements: all, or leave method out"
        yield method.layer.problem(message, "method")
    if found["extend"].value:
        yield method.layer.problem("method: central goes by the given h alone; write extend: false", "method")


def origins(entry: Entry, found: Found) -> tuple[tuple[str, str], ...]:
    """(setting, where its value stands), but for what is built in."""
    return tuple((key, origin) for key, origin in all_origins(entry, found) if origin != BUILT_IN)


def all_origins(entry: Entry, found: Found) -> Iterator[tuple[str, str]]:
    """(setting, where its value stands or that it is built in)."""
    item = f"functions[{entry.index}] ({entry.place})"
    yield "function", item
    yield from ((kind, item) for kind, _ in entry.keys.claims)
    yield from ((key, setting.origin) for key, setting in found.items() if key != "checks")
    yield "checks", found["checks"].origin
    yield "tags", "; ".join(dict.fromkeys(tag.origin for tag in entry.tags.values())) or BUILT_IN
    if entry.keys.points is not None:
        yield "points", item
    yield "seed", entry.seed.origin
