"""YAML text to nodes that know where they stand. No tags, no objects, no recursion, and a limit on everything."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import yaml

from gradaudit.suite.problem import Place, Problem, SuiteError
from gradaudit.suite.scalars import Scalar, plain_scalar
from gradaudit.suite.syntax import marked, told

DEEPEST = 40
MOST_NODES = 250_000
MOST_SIBLINGS = 100  #: keys of a mapping among which the one above is looked for

#: libyaml where PyYAML was built with it: eight times as fast
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


#: where libyaml counts a new line; str.splitlines() knows more of them
_LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


@dataclass(slots=True)
class Node:
    """One YAML value; ``keys`` holds the position of each key of a mapping. Positions count from 1."""

    value: "Scalar | list[Node] | dict[str, Node]"
    line: int
    column: int
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    size: int = 1  #: nodes below and including this one, aliases expanded

    def plain(self) -> object:
        """The value as plain dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


@dataclass(frozen=True)
class Document:
    """The text of one file and its root node."""

    file: str  #: as the user named it
    lines: Sequence[str]
    root: Node
    problems: tuple[Problem, ...] = ()  #: what no suite may hold, and what the rest was read without

    def place(self, path: Sequence[str | int] = (), *, key: bool = False) -> Place:
        """Where the value at ``path`` stands (or its key); the nearest node above it where it does not exist."""
        node = self.root
        position = (node.line, node.column)
        for step in path:
            child = _child(node, step)
            if child is None:
                break
            position = node.keys[step] if key and isinstance(step, str) else (child.line, child.column)
            node = child
        return Place(self.file, *position)

    def before(self, path: Sequence[str | int]) -> Iterator[tuple[str, Node]]:
        """What stands in its mapping before the key at ``path``, the nearest first; of many keys, nothing.

        No mapping of a suite has so many, and a file that is full of unknown ones shall not take forever.
        """
        node: Node | None = self.root
        for step in path[:-1]:
            node = node and _child(node, step)
        siblings = node.value if node is not None and isinstance(node.value, dict) else {}
        names = list(siblings) if path[-1] in siblings and len(siblings) <= MOST_SIBLINGS else []
        above = names[: names.index(str(path[-1]))] if names else []
        return ((name, siblings[name]) for name in reversed(above))

    def problem(self, message: str, path: Sequence[str | int] = (), *, key: bool = False) -> Problem:
        """A problem with the value at ``path`` (or with its key)."""
        place = self.place(path, key=key)
        return Problem(place, message, _line(self.lines, place.line))


def compose(text: str, *, file: str) -> Document:
    """Parse one YAML document.

    Every duplicate key, tag and bad number is among its problems. Raises SuiteError with the first error of syntax, and
    with those that stand before it.
    """
    composer = _Composer(text, file)
    root = composer.run()
    return Document(file, composer.lines, root, tuple(composer.problems))


def _child(node: Node, step: str | int) -> Node | None:
    if isinstance(node.value, dict) and isinstance(step, str):
        return node.value.get(step)
    if isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
        return node.value[step]
    return None


def _line(lines: Sequence[str], number: int) -> str:
    return lines[number - 1] if 0 < number <= len(lines) else ""


@dataclass(slots=True)
class _Open:
    """A collection that is being read."""

    node: Node
    anchor: str | None
    key: str | None = None  #: of a mapping: the key whose value comes next


class _Composer:
    """Builds nodes from libyaml's events with a stack of its own, so that depth is a number and not a crash."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.lines = _LINE_END.split(text)
        self.problems: list[Problem] = []
        self.anchors: dict[str, Node | None] = {}
        self.stack: list[_Open] = []
        self.root: Node | None = None
        self.nodes = 0

    def run(self) -> Node:
        handlers: dict[type, Callable[[yaml.Event], None]] = {
            yaml.ScalarEvent: self.scalar,
            yaml.AliasEvent: self.alias,
            yaml.SequenceStartEvent: self.start,
            yaml.MappingStartEvent: self.start,
            yaml.SequenceEndEvent: self.end,
            yaml.MappingEndEvent: self.end,
            yaml.DocumentStartEvent: self.document,
        }
        for event in self.events():
            handler = handlers.get(type(event))
            if handler:
                handler(event)
        if self.root is None or (self.root.value is None and not self.text.strip()):
            self.stop("the file is empty; a suite begins with 'version: 1'", (1, 1))
        assert self.root is not None
        return self.root

    def events(self) -> Iterator[yaml.Event]:
        try:
            loader = _Loader(self.text)
            try:
                while loader.check_event():
                    yield loader.get_event()
            finally:
                loader.dispose()
        except yaml.MarkedYAMLError as error:
            self.stop(*told(error, self.lines))
        except yaml.reader.ReaderError as error:
            self.stop(f"not YAML text: {error.reason}", self.position_of(error))

    def position_of(self, error: yaml.reader.ReaderError) -> tuple[int, int]:
        # libyaml counts bytes of UTF-8
        before = self.text.encode("utf-8")[: error.position].decode("utf-8", errors="ignore")
        lines = _LINE_END.split(before)
        return len(lines), len(lines[-1]) + 1

    def stop(self, message: str, position: tuple[int, int]) -> None:
        raise SuiteError([*self.problems, self.problem(message, position)])

    def problem(self, message: str, position: tuple[int, int]) -> Problem:
        return Problem(Place(self.file, *position), message, _line(self.lines, position[0]))

    def note(self, message: str, event: yaml.Event) -> None:
        self.problems.append(self.problem(message, marked(event.start_mark)))

    def document(self, event: yaml.Event) -> None:
        if self.root is not None:
            self.stop("a second document begins here; allowed: one document a file", marked(event.start_mark))

    def scalar(self, event: yaml.Event) -> None:
        assert isinstance(event, yaml.ScalarEvent)
        if self.awaits_key():
            self.refuse_tag(event)
            self.key(event)
            return
        node = Node(self.scalar_value(event), *marked(event.start_mark))
        self.refuse_tag(event)
        if event.anchor:
            self.anchors[event.anchor] = node
        self.add(node, event)

    def scalar_value(self, event: yaml.ScalarEvent) -> Scalar:
        if not event.implicit[0]:
            return event.value
        try:
            return plain_scalar(event.value)
        except ValueError as error:
            self.note(str(error), event)
            return None

    def refuse_tag(self, event: yaml.Event) -> None:
        tag = getattr(event, "tag", None)
        if tag:
            self.note(f"tag {tag!r}; allowed: no tags, a suite holds plain values only", event)

    def key(self, event: yaml.ScalarEvent) -> None:
        """Keys are names: the text as written, never a number or null."""
        mapping = self.stack[-1]
        assert isinstance(mapping.node.value, dict)
        name = event.value
        if name in mapping.node.value:
            line, column = mapping.node.keys[name]
            self.note(f"duplicate key {name!r}; it stands at {line}:{column} already", event)
        elif name == "<<" and event.implicit[0]:
            self.note("merge key '<<' is not part of YAML 1.2; write shared settings under 'defaults:'", event)
        if event.anchor:
            self.note(f"anchor '&{event.anchor}' on a key; allowed: anchors on values", event)
        mapping.node.keys.setdefault(name, marked(event.start_mark))
        mapping.key = name

    def awaits_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].node.value, dict) and self.stack[-1].key is None

    def alias(self, event: yaml.Event) -> None:
        assert isinstance(event, yaml.AliasEvent)
        if self.awaits_key():
            self.stop("a key must be text, not an alias", marked(event.start_mark))
        if event.anchor not in self.anchors:
            self.stop(f"alias '*{event.anchor}' has no anchor before it", marked(event.start_mark))
        node = self.anchors[str(event.anchor)]
        if node is None:
            self.stop(f"alias '*{event.anchor}' contains itself", marked(event.start_mark))
        else:
            self.add(node, event)

    def start(self, event: yaml.Event) -> None:
        if self.awaits_key():
            self.stop("a key must be text, not a list or mapping", marked(event.start_mark))
        if len(self.stack) >= DEEPEST:
            self.stop(f"nested deeper than {DEEPEST} levels", marked(event.start_mark))
        self.refuse_tag(event)
        empty: list[Node] | dict[str, Node] = {} if isinstance(event, yaml.MappingStartEvent) else []
        anchor = getattr(event, "anchor", None)
        if anchor:
            self.anchors[anchor] = None
        self.stack.append(_Open(Node(empty, *marked(event.start_mark)), anchor))

    def end(self, event: yaml.Event) -> None:
        opened = self.stack.pop()
        if opened.anchor:
            self.anchors[opened.anchor] = opened.node
        self.add(opened.node, event)

    def add(self, node: Node, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent):
            self.count(node.size, event)
        elif isinstance(event, yaml.ScalarEvent):
            self.count(1, event)
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        parent.node.size += node.size
        if isinstance(parent.node.value, list):
            parent.node.value.append(node)
        elif isinstance(parent.node.value, dict) and parent.key is not None:
            parent.node.value.setdefault(parent.key, node)
            parent.key = None

    def count(self, nodes: int, event: yaml.Event) -> None:
        self.nodes += nodes
        if self.nodes > MOST_NODES:
            message = f"more than {MOST_NODES:,} values once aliases are expanded; put large arrays in a file"
            self.stop(f"{message}: {{file: x.npy}}", marked(event.start_mark))
