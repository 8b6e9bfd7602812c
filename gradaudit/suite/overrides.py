"""Settings from outside the files: ``--set key=value`` and ``GRADAUDIT_*``, as layers like any other."""

from collections.abc import Mapping
from difflib import get_close_matches

from gradaudit.suite.messages import validate
from gradaudit.suite.nodes import Document, Node, compose
from gradaudit.suite.problem import Place, Problem, SuiteError, did_you_mean, one_of
from gradaudit.suite.setting_keys import OverrideKeys, ToleranceKeys
from gradaudit.suite.suite import Layer

PREFIX = "GRADAUDIT_"
KEYS = (
    *(name for name in OverrideKeys.model_fields if name != "tolerance"),
    *(f"tolerance.{name}" for name in ToleranceKeys.model_fields),
)
_VARIABLES = {PREFIX + key.upper().replace(".", "_"): key for key in KEYS}


def command_line(overrides: Mapping[str, object]) -> tuple[list[Layer], list[Problem]]:
    """One layer for each override; text is parsed as YAML, so that ``h=1e-3`` and ``h=[1e-3, 1e-4]`` work."""
    layers: list[Layer] = []
    problems: list[Problem] = []
    for key, value in overrides.items():
        source = f"--set {key}"
        if key == "tolerance" or key in KEYS:
            _add(_layer(source, key, value), layers, problems)
        else:
            problems.append(Problem(Place(source), f"unknown key {key!r}{_hint(key)}"))
    return layers, problems


def _hint(key: str) -> str:
    """Which key was meant; ``rtol`` is found in ``tolerance.rtol``."""
    whole = {known.rpartition(".")[2]: known for known in KEYS}
    close = [whole[last] for last in get_close_matches(key, whole, n=1)]
    return did_you_mean(key, KEYS) or (f"; did you mean {close[0]!r}?" if close else one_of(KEYS))


def environment(variables: Mapping[str, str]) -> tuple[list[Layer], list[Problem]]:
    """One layer for each ``GRADAUDIT_*`` that names a setting; a name that is nearly one is a problem."""
    layers: list[Layer] = []
    problems: list[Problem] = []
    for variable in sorted(name for name in variables if name.startswith(PREFIX)):
        if variable in _VARIABLES:
            _add(_layer(variable, _VARIABLES[variable], variables[variable]), layers, problems)
        elif get_close_matches(variable, _VARIABLES, n=1, cutoff=0.9):
            # other variables with this prefix are not ours to judge, a typing error is
            hint = did_you_mean(variable, tuple(_VARIABLES))
            problems.append(Problem(Place(f"environment {variable}"), f"unknown variable{hint}"))
    return layers, problems


def _add(result: tuple[Layer | None, list[Problem]], layers: list[Layer], problems: list[Problem]) -> None:
    layer, found = result
    problems.extend(found)
    if layer is not None:
        layers.append(layer)


def _layer(source: str, key: str, value: object) -> tuple[Layer | None, list[Problem]]:
    label = source if source.startswith("--") else f"environment {source}"
    try:
        node = compose(value or "null", file=label).root if isinstance(value, str) else _node(value)
    except SuiteError as error:
        return None, [Problem(Place(label), problem.message) for problem in error.problems]
    for part in reversed(key.split(".")):
        node = Node({part: node}, 0, 0, {part: (0, 0)})
    document = Document(label, (), _without_positions(node))
    keys, problems = validate(document, OverrideKeys)
    return (Layer(label, keys, document) if keys else None), problems


def _without_positions(node: Node) -> Node:
    """A command line has no lines: places then print as their origin only."""
    value = node.value
    if isinstance(value, dict):
        value = {key: _without_positions(child) for key, child in value.items()}
    elif isinstance(value, list):
        value = [_without_positions(child) for child in value]
    return Node(value, 0, 0, dict.fromkeys(node.keys, (0, 0)))


def _node(value: object) -> Node:
    if isinstance(value, Mapping):
        return Node({str(k): _node(v) for k, v in value.items()}, 0, 0, {str(k): (0, 0) for k in value})
    if isinstance(value, list | tuple):
        return Node([_node(part) for part in value], 0, 0)
    return Node(value if isinstance(value, bool | int | float | str) else None, 0, 0)
