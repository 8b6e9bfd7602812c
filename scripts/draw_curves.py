"""V-curves of a report as pictures: ``python scripts/draw_curves.py REPORT.html FOLDER CASE...`` writes CASE.svg each.

They are the report's own drawings, taken out of the page in Chromium (which must be on the path), with the part of its
style sheet that concerns them. The pictures of docs/verdicts.md were made by it. What a file name cannot hold of a
case's id is written as in an address: the picture of ``a/b`` is ``a%2Fb.svg``.
"""

import argparse
import re
import sys
from pathlib import Path
from urllib.parse import quote

from screenshot import browse

#: What a picture needs of the report's style sheet: its colours, light and dark, and the rules of curves.
RULES = re.compile(r"^(?::root|\.curve [.t]|\.allowed)[^{]*\{[^}]*\}", re.MULTILINE)
FRAME = "font: 12px system-ui, sans-serif; background: var(--sheet); color: var(--ink);"


def picture(page: str) -> str:
    """The first curve of an opened case, as a file of its own. Exits where the page shows none."""
    found = re.search(r'<div class="curve">(<svg .*?</svg>)', page, flags=re.DOTALL)
    style = re.search(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    if not found or not style:
        sys.exit("scripts/draw_curves.py: no curve in this case; give the id of one that was measured")
    drawing = re.sub(r"<line class=\"hair\".*?</line>", "", found[1])
    rules = "\n".join([*RULES.findall(style[1]), f"svg {{ {FRAME} }}"])
    return drawing.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" class="curve" ', 1).replace(
        ">", f"><style>{rules}</style>", 1
    )


def file_name(case: str) -> str:
    """Of the picture of a case, whose id may hold any printable character; two ids have two names."""
    return f"{quote(case, safe='[]=,@ ')}.svg"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("cases", nargs="+")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for case in given.cases:
        page = browse(given.report, "--dump-dom", size="1400x900", case=case)
        (given.folder / file_name(case)).write_text(picture(page) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
