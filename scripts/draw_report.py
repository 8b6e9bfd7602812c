"""The picture of the README: ``python scripts/draw_report.py [docs/report.png]``. Needs git, and Chromium on the path.

The suite of ``scripts/night`` is audited for some nights, in which one gradient is wrong; then a commit mends that one
and breaks three others. The picture is the report of the last night, at one of its new failures.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from screenshot import browse

NIGHT = Path(__file__).parent / "night"
PICTURE = Path(__file__).parents[1] / "docs" / "report.png"
NIGHTS = 8
SHOWN = "embedding"  #: the case that is opened
SIZE = "1500x1110"

WRONG_BEFORE = {"b / size - likeness * a / (a @ a)": "b / size - likeness * a"}
WRONG_NOW = {
    "delta * np.sign(x)": "np.sign(x)",
    "np.add.at(gradient, words, np.cos(table[words]))": "gradient[words] = np.cos(table[words])",
    "inner = inner - normed * (weight * normed).mean(axis=1, keepdims=True)": "pass",
}


def spoiled(faults: Mapping[str, str]) -> str:
    """The module with ``faults`` in place of what is right. Exits where something right is not there just once."""
    text = (NIGHT / "losses.py").read_text(encoding="utf-8")
    for right, wrong in faults.items():
        if text.count(right) != 1:
            sys.exit(f"scripts/draw_report.py: {text.count(right)} times in losses.py, allowed once: {right}")
        text = text.replace(right, wrong)
    return text


def commit(folder: Path, module: str, *, message: str) -> None:
    """Put the module into the repository in ``folder``."""
    (folder / "losses.py").write_text(module, encoding="utf-8")
    identity = ("-c", "user.name=Kim", "-c", "user.email=kim@example.org")
    subprocess.run(["git", "add", "losses.py", "losses.yaml"], cwd=folder, check=True)
    subprocess.run(["git", *identity, "commit", "-q", "-m", message], cwd=folder, check=True)


def audit(folder: Path) -> Path:
    """The report of one night."""
    command = [sys.executable, "-m", "gradaudit", "run", "losses.yaml", "--format", "quiet"]
    subprocess.run(command, cwd=folder, check=False, stderr=subprocess.DEVNULL)
    return max(folder.glob("reports/losses/*/report.html"))


def main() -> None:
    """Some nights, and the picture of the last."""
    picture = Path(sys.argv[1] if len(sys.argv) > 1 else PICTURE).resolve()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        shutil.copy(NIGHT / "losses.yaml", folder)
        subprocess.run(["git", "init", "-q", "-b", "main", "."], cwd=folder, check=True)
        commit(folder, spoiled(WRONG_BEFORE), message="Losses with their gradients")
        for _ in range(NIGHTS):
            audit(folder)
        commit(folder, spoiled(WRONG_NOW), message="Gradients, tidied")
        browse(audit(folder), f"--screenshot={picture}", size=SIZE, case=SHOWN)


if __name__ == "__main__":
    main()
