"""Every finding of docs/findings.md is there in the version that it names: its replay prints what the page says."""

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest
from markdown_page import ROOT, blocks

PAGE = ROOT / "docs" / "findings.md"
PACKAGES = {"PyTorch": "torch", "SciPy": "scipy", "JAX": "jax"}
#: A number that is part of no word, as float64 is.
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d*)?(?:e[+-]?\d+)?")
#: What a page rounds away.
ROUNDED = 6e-3


def findings():
    """(heading, replay) of every finding that has one."""
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        if shown := re.findall(r"^```python\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL):
            yield section.partition("\n")[0], "".join(shown)


FINDINGS = dict(findings())


def numbers(text):
    return [float(found) for found in NUMBER.findall(text)]


def said(replay):
    """The numbers that stand beside what is printed; what comes after them is no output."""
    beside = re.findall(r"print\(.*  # (.*)$", replay, flags=re.MULTILINE)
    return numbers("\n".join(re.split(r"[:;]|, [a-z]", comment)[0] for comment in beside))


def require(heading):
    """Skip by name where the library is missing, or is another version: there the finding may be mended."""
    library, named = heading.partition(":")[0].split()
    try:
        installed = version(PACKAGES.get(library, library)).partition("+")[0]
    except PackageNotFoundError:
        pytest.skip(f"{library} is not installed")
    if installed != named:
        pytest.skip(f"{library} {installed} is installed, the finding is of {named}")


def test_every_block_of_the_page_is_a_replay():
    assert len(FINDINGS) == len(blocks(PAGE)) > 8


@pytest.mark.parametrize("heading", FINDINGS)
def test_a_replay_prints_what_the_page_says(heading):
    require(heading)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FINDINGS[heading]], capture_output=True, text=True, check=True
    )
    assert numbers(done.stdout) == pytest.approx(said(FINDINGS[heading]), abs=ROUNDED, rel=ROUNDED)
    assert len(said(FINDINGS[heading])) > 1
