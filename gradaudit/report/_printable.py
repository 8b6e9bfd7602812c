"""User text made safe to show: nothing in it can move a cursor, end a document, hide itself or fail to encode."""

import re

# C0 and C1 controls, line and paragraph separators, what reorders or hides neighbouring text, lone surrogates, and the
# code points that are no characters. The set covers what XML 1.0 forbids, so one function serves every format.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)


def is_safe(text: str) -> bool:
    """Whether nothing in `text` would have to be escaped, line ends included."""
    if text.isascii():
        return text.isprintable()
    return _UNSAFE.search(text) is None


def one_line(text: str) -> str:
    """`text` on one line: every unsafe character, line ends included, is written as an escape such as ``\\x1b``."""
    return text if is_safe(text) else _UNSAFE.sub(_escaped, text)


def lines(text: str) -> str:
    """`text` with its line ends and tabs kept (CR LF and a bare CR become LF) and everything else unsafe escaped."""
    if is_safe(text):
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSAFE.sub(lambda match: match[0] if match[0] in "\n\t" else _escaped(match), text)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
