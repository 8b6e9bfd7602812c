"""Settings from outside the files: ``--set key=value`` and ``GRADAUDIT_*``, as layers like any other."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import cast

from gradaudit.suite.messages import validate
from gradaudit.suite.nodes import Document, Node, compose
from gradaudit.suite.problem import Place, Problem, SuiteError, did_you_mean, one_of
from gradaudit.suite.scalars import Scalar
from gradaudit.suite.setting_keys import OverrideKeys, ToleranceKeys
from gradaudit.suite.suite import Layer

PREFIX = "GRADAUDIT_"
PROFILE = PREFIX + "PROFILE"
KEYS = (*OverrideKeys.model_fields, *(f"tolerance.{name}" for name in ToleranceKeys.model_fields))
#: ``GRADAUDIT_TOLERANCE_RTOL`` and the like, and the dotted key that each of them sets
VARIABLES = {PREFIX + key.upper().replace(".", "_"): key for key in KEYS}
_KNOWN = (*VARIABLES, PROFILE)


def command_line(overrides: Mapping[str, object]) -> tuple[list[Layer], list[Problem]]:
    """One layer for each override; text is parsed as YAML, so that ``h=1e-3`` and ``h=[1e-3, 1e-4]`` work."""
    layers: list[Layer] = []
    problems: list[Problem] = []
    for key, value in overrides.items():
        origin = f"--set {key}"
        if key in KEYS:
            _add(_layer(origin, key, value), layers, problems)
        else:
            problems.append(Problem(Place(origin), f"unknown key {key!r}{_hint(key)}"))
    return layers, problems


def _hint(key: str) -> str:
    """Which key was meant; ``rtol`` is found in ``tolerance.rtol``."""
    whole = {known.rpartition(".")[2]: known for known in KEYS}
    close = [whole[last] for last in get_close_matches(key, whole, n=1)]
    return did_you_mean(key, KEYS) or (f"; did you mean {close[0]!r}?" if close else one_of(KEYS))


def environment(variables: Mapping[str, str]) -> tuple[list[Layer], list[Problem]]:
    """One layer for each ``GRADAUDIT_*`` that names a setting; a name that is nearly one is a problem.

    A variable without text is as good as none: that is how a CI system sets what nobody filled in.
    """
    layers: list[Layer] = []
    problems: list[Problem] = []
    given = (name for name, text in variables.items() if name.startswith(PREFIX) and text.strip())
    for variable in sorted(given, reverse=True):  # GRADAUDIT_TOLERANCE_RTOL before, and so over, GRADAUDIT_TOLERANCE
        origin = f"environment {variable}"
        if variable in VARIABLES:
            _add(_layer(origin, VARIABLES[variable], variables[variable]), layers, problems)
        elif variable not in _KNOWN and get_close_matches(variable, _KNOWN, n=1, cutoff=0.9):
            # other variables with this prefix are not ours to judge, a typing error is
            problems.append(Problem(Place(origin), f"unknown variable{did_you_mean(variable, _KNOWN)}"))
    return layers, problems


def _add(result: tuple[Layer | None, list[Problem]], layers: list[Layer], problems: list[Problem]) -> None:
    layer, found = result
    problems.extend(found)
    if layer is not None:
        layers.append(layer)


def _layer(origin: str, key: str, value: object) -> tuple[Layer | None, list[Problem]]:
    try:
        # text is YAML, as a command line has it; what comes from Python is what it is
        plain = _parsed(value or "null", origin) if isinstance(value, str) else value
    except SuiteError as error:
        return None, [Problem(Place(origin), problem.message) for problem in error.problems]
    for part in reversed(key.split(".")):
        plain = {part: plain}
    document = Document(origin, (), _node(plain))
    keys, problems = validate(document, OverrideKeys)
    return (Layer(origin, keys, document) if keys else None), problems


def _parsed(text: str, origin: str) -> object:
    read = compose(text, file=origin)
    if read.problems:
        raise SuiteError(read.problems)
    return read.root.plain()


def _node(value: object) -> Node:
    """``value`` without positions: a command line has no lines, and places print as their origin only."""
    if isinstance(value, Mapping):
        return Node({str(k): _node(v) for k, v in value.items()}, 0, 0, {str(k): (0, 0) for k in value})
    if isinstance(value, list | tuple):
        return Node([_node(part) for part in value], 0, 0)
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays
        return _node(value.tolist())
    return Node(cast(Scalar, value), 0, 0)  # what is none is refused where it is validated
