"""``builtin:NAME`` to the file of a suite that comes with gradaudit, in a checkout as where it is installed."""

from os.path import dirname, join, normpath
from pathlib import Path

from gradaudit.suite.problem import did_you_mean, one_of

PREFIX = "builtin:"
_PACKAGE = Path(__file__).parents[1]
#: A checkout keeps the suites in configs/; pyproject.toml puts them beside the code when a wheel is built.
FOLDER = next(filter(Path.is_dir, (_PACKAGE / "suites", _PACKAGE.parent / "configs")), _PACKAGE / "suites")


class UnknownSuite(Exception):
    """No suite of this name comes with gradaudit: which do."""


def names() -> tuple[str, ...]:
    """What may stand after ``builtin:``, sorted."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.yaml")))


def located(name: str | Path) -> Path:
    """The file that the user means by ``name``; a Path is that file, whatever it is called.

    Raises UnknownSuite.
    """
    if isinstance(name, Path) or not name.startswith(PREFIX):
        return Path(name)
    wanted = name.removeprefix(PREFIX)
    if wanted not in names():
        raise UnknownSuite(f"no built-in suite {wanted!r}{did_you_mean(wanted, names()) or one_of(names())}")
    return FOLDER / f"{wanted}.yaml"


def beside(includer: str, name: str) -> str:
    """What to call a file that is included as ``name``: ``configs/ops/neural.yaml``, ``builtin:ops/neural.yaml``."""
    prefix = PREFIX if includer.startswith(PREFIX) else ""
    return prefix + normpath(join(dirname(includer.removeprefix(prefix)), name))
