"""A summary in GitHub's Markdown: the verdict sentence, and a table of what did not pass, worst first.

Format history: 1 — the first; the version stands in a comment on the first line.
"""

import html
import re

from gradaudit.judge.certificate import Certificate
from gradaudit.judge.verdict import Status
from gradaudit.report import _power, _printable
from gradaudit.report._certificates import certified
from gradaudit.report._order import worst_first
from gradaudit.report._since import headline
from gradaudit.report.text import number, seeded
from gradaudit.running.record import Audit, Result

SUFFIX = ".md"
FORMAT = 1
#: Certificates that are listed.
CERTIFICATES = 30

_ICONS = {
    Status.FAIL: "❌",
    Status.ERROR: "💥",
    Status.CRASH: "💥",
    Status.TIMEOUT: "⏱️",
    Status.XPASS: "❗",
    Status.INCONCLUSIVE: "❔",
    Status.XFAIL: "➖",
}
# What Markdown could read as markup, a mention, a link or the end of a cell, inside an HTML element too. "#" means
# something only at the start of a line, where no user text stands.
_MARKUP = re.compile(r"[\\`*_{}\[\]()+!|~@:$^=-]")


def render(audit: Audit) -> str:
    """The document; user text stands in code spans and is escaped against markup."""
    return _document(audit, rows_at_most=None)


def within(audit: Audit, limit: int) -> str:
    """The document in at most ``limit`` bytes of UTF-8: rows are left out from the end, and how many is said."""
    text, rows = render(audit), sum(result.verdict.status is not Status.PASS for result in audit.results)
    while len(text.encode()) > limit and rows:
        rows = min(rows - 1, rows * limit // len(text.encode()))
        text = _document(audit, rows_at_most=rows)
    return text


def _document(audit: Audit, *, rows_at_most: int | None) -> str:
    run = audit.run
    about = f"Suite {_code(run.suite)}, run {_code(run.id)}, {number(run.duration_s)} s, {seeded(run)}."
    about = " ".join(filter(None, (about, _power.sentence(audit))))
    head = f"<!-- gradaudit markdown, format {FORMAT} -->\n## {headline(audit)}\n\n{about}\n"
    remarkable = [result for result in worst_first(audit.results) if result.verdict.status is not Status.PASS]
    shown = remarkable[:rows_at_most]
    left_out = len(remarkable) - len(shown)
    end = [f"… and {left_out} more, in the report.\n"] if left_out else []
    return "\n".join([head, *_table(list(map(_row, shown))), *end, *_certified(audit)])


def _table(rows: list[str]) -> list[str]:
    if not rows:
        return []
    header = "| status | case | diagnosis | error ÷ tolerance | message |"
    return [header, "| :-- | :-- | :-- | --: | :-- |", *rows, ""]


def _row(result: Result) -> str:
    verdict = result.verdict
    ratio = number(verdict.measures.error_over_tolerance).replace("NaN", "–")
    status = f"{_ICONS[verdict.status]} {verdict.status}"
    return f"| {status} | {_code(verdict.id)} | {verdict.diagnosis or ''} | {ratio} | {_code(verdict.message)} |"


def _certified(audit: Audit) -> list[str]:
    """What random directions have proved, where they were asked for: a row a certificate."""
    cases = certified(audit)
    rows = [_certificate_row(result.case.id, one) for result in cases for one in result.verdict.certificates]
    if not rows:
        return []
    header = "| certified | check | random directions | probability of more | error that can be left, by sensitivity |"
    more = [f"\n… and {len(rows) - CERTIFICATES} more, in certificates.csv.\n"] if len(rows) > CERTIFICATES else [""]
    return [header, "| :-- | :-- | --: | --: | :-- |", *rows[:CERTIFICATES], *more]


def _certificate_row(case: str, one: Certificate) -> str:
    limits = ", ".join(f"1e{decade.exponent:+d}: {number(decade.limit, 2)}" for decade in one.decades) or "–"
    return f"| {_code(case)} | {_code(one.check)} | {one.directions} | {number(one.probability)} | {limits} |"


def _code(text: str) -> str:
    """A code span made of HTML: entities are safe in it where a backtick or a pipe would end a Markdown one."""
    safe = html.escape(_printable.one_line(text))
    return f"<code>{_MARKUP.sub(lambda match: f'&#{ord(match[0])};', safe)}</code>" if text else ""
