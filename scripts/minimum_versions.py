"""Prints the least version of everything that gradaudit asks for, as constraints for pip, from pyproject.toml.

    python scripts/minimum_versions.py > constraints.txt && pip install -c constraints.txt -e '.[dev]'

Tools of the extra ``dev`` are left out: the tests may be run by new ones.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(\[[\w,]+\])?>=(?P<version>[\w.]+)")


def constraints() -> Iterator[str]:
    """``numpy==1.26``, …, first of what is always needed, then of the extras.

    Raises ValueError for a requirement that is not written as ``name>=version``.
    """
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    extras = [asked for name, asked in project["optional-dependencies"].items() if name != "dev"]
    for requirement in (*project["dependencies"], *(part for asked in extras for part in asked)):
        found = _REQUIREMENT.fullmatch(requirement)
        if found is None:
            raise ValueError(f"{PYPROJECT.name}: {requirement!r} names no least version; write name>=version")
        yield f"{found['name']}=={found['version']}"


if __name__ == "__main__":
    print("\n".join(constraints()))
