"""What is wrong with a suite, and where: every problem has a place, a sentence, and the line it stands on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

MOST = 200  #: problems shown: nobody mends more at once
_WIDEST_LINE = 120
#: what PyTorch, SciPy, JAX and pytest call what is called otherwise here
_ELSEWHERE = {
    "eps": "h",
    "epsilon": "h",
    "step": "h",
    "steps": "h",
    "tol": "tolerance",
    "fun": "function",
    "func": "function",
    "jac": "jacobian",
    "hessp": "hvp",
    "xfail": "expect",
}


@dataclass(frozen=True, order=True)
class Place:
    """A position in a file, counted from 1; line 0 where the origin is no file (``--set h``)."""

    file: str  #: as the user named it
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True)
class Problem:
    """One thing to mend."""

    place: Place
    message: str
    source_line: str = ""  #: the text of the line in the file, without its end

    def __str__(self) -> str:
        headline = _printable(f"{self.place}: {self.message}")
        return f"{headline}\n{_excerpt(self.place, self.source_line)}" if self.source_line else headline


class SuiteError(Exception):
    """The suite cannot be used; ``problems`` holds everything that is wrong with it, by files and their lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        found = tuple(problems)
        files = {place: number for number, place in enumerate(dict.fromkeys(problem.place.file for problem in found))}
        self.problems = tuple(sorted(found, key=lambda problem: (files[problem.place.file], problem.place)))
        super().__init__(self.problems)

    def __str__(self) -> str:
        left_out = len(self.problems) - MOST
        more = [f"… and {left_out:,} more problems"] if left_out > 0 else []
        return "\n".join([*map(str, self.problems[:MOST]), *more])


def did_you_mean(word: str, allowed: Sequence[str]) -> str:
    """``; did you mean 'points'?`` where one of ``allowed`` is close to ``word``, else nothing."""
    close = closest(word, allowed)
    return f"; did you mean {close!r}?" if close else ""


def closest(word: str, allowed: Sequence[str]) -> str | None:
    """The one of ``allowed`` that ``word`` is, or is likely to stand for."""
    if _ELSEWHERE.get(word) in allowed:
        return _ELSEWHERE[word]
    return next(iter(get_close_matches(word, allowed, n=1, cutoff=0.6) or _ignoring_case(word, allowed)), None)


def one_of(allowed: Iterable[str]) -> str:
    """``; allowed: a, b, c``."""
    return "; allowed: " + ", ".join(allowed)


def _ignoring_case(word: str, allowed: Sequence[str]) -> list[str]:
    return [candidate for candidate in allowed if candidate.lower() == word.lower()][:1]


def _printable(text: str) -> str:
    """What a suite says is quoted in messages: nothing in it may steer a terminal or look like another message."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _excerpt(place: Place, line: str) -> str:
    """The line with a caret under the column; a long line is cut around it."""
    start = max(0, place.column - 1 - _WIDEST_LINE // 2) if len(line) > _WIDEST_LINE else 0
    shown = "".join(c if c.isprintable() else " " for c in line[start : start + _WIDEST_LINE])
    margin = f"{place.line:>6} | "
    return f"{margin}{shown}\n{' ' * (len(margin) - 2)}| {' ' * (place.column - 1 - start)}^"
