"""What is wrong with a file that is not YAML: libyaml's own words, at the place to mend, with the fix."""

import re
from collections.abc import Sequence

import yaml

#: looks like indentation, and is text to YAML: what web pages and chats put in place of spaces
_FOREIGN_INDENT = re.compile("^ *([\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000])")
_SPACES = "indent with spaces, and quote text that begins with @, `, %, or a tab"
_INDENTATION = "give the keys of a mapping, and the '-' of a list, one indentation"
#: a part of libyaml's sentence, or of PyYAML's, and what helps
_FIXES = {
    "\\t": _SPACES,
    "tab": _SPACES,
    "cannot start any token": _SPACES,
    "mapping values are not allowed": f"{_INDENTATION}, write a space after a colon, and quote text that holds ': '",
    "unexpected ':'": "write a space after the colon",
    "block mapping": _INDENTATION,
    "block collection": _INDENTATION,
    "simple key": "write 'key: value'",
    "end of stream (while scanning a quoted": "close the quote",
    "decimal number": "a \\ means something in double quotes: use single ones",
    "unknown escape": "a \\ means something in double quotes: use single ones",
    "scanning an alias": "quote text that begins with *",
    "scanning an anchor": "quote text that begins with &",
}
#: where it was noticed says less than where it begins
_BEGINS_EARLIER = ("simple key", "end of stream (while scanning a quoted")


def told(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> tuple[str, tuple[int, int]]:
    """The message, and the position that it is about, both counted from 1."""
    noticed, begins = marked(error.problem_mark or error.context_mark), marked(error.context_mark)
    if foreign := _foreign_indent(lines[: noticed[0]]):
        return foreign
    said = _sentence(error)
    fix = next((fix for part, fix in _FIXES.items() if part in said), "")
    if "flow" in said and begins != noticed:
        fix = f"what it belongs to opens at {begins[0]}:{begins[1]}"
    where = begins if any(part in said for part in _BEGINS_EARLIER) else noticed
    return f"{said}; {fix}" if fix else said, where


def marked(mark: object) -> tuple[int, int]:
    """Line and column of one of PyYAML's marks, counted from 1."""
    return getattr(mark, "line", 0) + 1, getattr(mark, "column", 0) + 1


def _sentence(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or error.context or "not valid YAML"
    return f"{problem} ({error.context})" if error.context and error.problem else problem


def _foreign_indent(lines: Sequence[str]) -> tuple[str, tuple[int, int]] | None:
    """The last of ``lines`` that a character which only looks like a space indents."""
    for number in range(len(lines), 0, -1):
        if found := _FOREIGN_INDENT.match(lines[number - 1]):
            message = f"U+{ord(found[1]):04X} looks like a space here and is none; indent with plain spaces"
            return message, (number, found.start(1) + 1)
    return None
