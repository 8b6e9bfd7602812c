"""Reading a report page in a test, as its own script would."""

import json
import re
from base64 import b64decode
from html.parser import HTMLParser
from typing import Any
from zlib import decompress


class Page(HTMLParser):
    """The elements of a page and its text, as a browser without JavaScript sees them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def unpacked(text: str) -> Any:
    """What ``packed`` has packed."""
    return json.loads(decompress(b64decode(text), wbits=-15))


def index(page: str) -> dict[str, Any]:
    """What the page knows of all cases from the start."""
    found = re.search(r'id="index">([^<]*)<', page)
    assert found is not None
    known: dict[str, Any] = unpacked(found[1])
    return known


def details(page: str) -> list[dict[str, Any]]:
    """The evidence of every case, in the order of the page."""
    return [detail for part in re.findall(r'data-part="\d+">([^<]*)<', page) for detail in unpacked(part)]
