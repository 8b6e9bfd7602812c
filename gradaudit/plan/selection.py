"""Which cases run: ``-k``, ``--tag``, ``--id`` and a profile's ``select``, in one small language.

    expression = term { "or" term }
    term       = factor { "and" factor }
    factor     = "not" factor | "(" expression ")" | word

A word matches where it is part of the case's id, letters of either case alike; ``tag:fast`` matches the tag, ``id:x``
the whole id. Quotes hold a word together: ``"x[n=1, k=2]"``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from gradaudit.plan.case import Case

Predicate = Callable[[Case], bool]

_TOKEN = re.compile(r"""\s*(?:(?P<quoted>"[^"]*"|'[^']*')|(?P<bracket>[()])|(?P<word>[^\s()"']+))""")
_DEEPEST = 50


class SelectionError(ValueError):
    """An expression cannot be read."""


@dataclass(frozen=True)
class Selection:
    """What the command line asks for; everything given must hold. Empty: all cases."""

    keyword: str | None = None  #: ``-k``
    tags: tuple[str, ...] = ()  #: ``--tag``: at least one of them
    ids: tuple[str, ...] = ()  #: ``--id``: exactly one of them; a profile's ``select`` does not narrow it


def predicate(expression: str) -> Predicate:
    """The meaning of ``expression``. Raises SelectionError."""
    return _Parser(expression).parse()


def unknown_ids(selection: Selection, cases: tuple[Case, ...]) -> list[str]:
    """A sentence for each id that is asked for and names no case."""
    known = {case.id for case in cases}
    unknown = (wanted for wanted in selection.ids if wanted not in known)
    return [f"no case has the id {wanted!r}{_similar(wanted, known)}" for wanted in unknown]


def _similar(wanted: str, known: set[str]) -> str:
    close = get_close_matches(wanted, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.tokens = _tokens(expression)
        self.position = 0
        self.depth = 0

    def parse(self) -> Predicate:
        if not self.tokens:
            raise SelectionError("the expression is empty; allowed: words, tag:NAME, and, or, not, ( )")
        found = self.alternatives()
        if self.position < len(self.tokens):
            raise self.error(f"'and' or 'or' expected before {self.tokens[self.position]!r}")
        return found

    def alternatives(self) -> Predicate:
        options = [self.conjunction()]
        while self.accept("or"):
            options.append(self.conjunction())
        return lambda case: any(option(case) for option in options)

    def conjunction(self) -> Predicate:
        parts = [self.factor()]
        while self.accept("and"):
            parts.append(self.factor())
        return lambda case: all(part(case) for part in parts)

    def factor(self) -> Predicate:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.error("nested too deep")
        found = self.negation_or_group()
        self.depth -= 1
        return found

    def negation_or_group(self) -> Predicate:
        if self.accept("not"):
            inner = self.factor()
            return lambda case: not inner(case)
        if self.accept("("):
            inner = self.alternatives()
            if not self.accept(")"):
                raise self.error("')' is missing")
            return inner
        return self.word()

    def word(self) -> Predicate:
        if self.position == len(self.tokens):
            raise self.error("a word is missing at the end")
        token = self.tokens[self.position]
        if token in ("and", "or", ")"):
            raise self.error(f"a word is missing before {token!r}")
        self.position += 1
        return _matcher(token.strip(token[0]) if token[0] in "\"'" else token)

    def accept(self, token: str) -> bool:
        if self.position < len(self.tokens) and self.tokens[self.position] == token:
            self.position += 1
            return True
        return False

    def error(self, message: str) -> SelectionError:
        return SelectionError(f"{message} in {self.expression!r}")


def _tokens(expression: str) -> list[str]:
    tokens, position = [], 0
    text = expression.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise SelectionError(f"a quote is not closed in {expression!r}")
        tokens.append(match[match.lastgroup or 0])
        position = match.end()
    return tokens


def _matcher(word: str) -> Predicate:
    kind, _, rest = word.partition(":")
    if kind == "tag" and rest:
        return lambda case: rest in case.tags
    if kind == "id" and rest:
        return lambda case: rest == case.id
    lowered = word.lower()
    return lambda case: lowered in case.id.lower()
