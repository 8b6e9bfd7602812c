"""Does what a GitHub Actions workflow says: its jobs in order, in folders of their own, with artifacts between them.

Of the actions of others only artifacts are imitated; the rest must be known to change nothing that is looked at.
"""

import glob
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from markdown_page import shell

IDLE = ("actions/checkout", "actions/setup-python", "actions/cache/restore", "actions/cache/save")


@dataclass(frozen=True)
class Step:
    """A step that was done."""

    command: str
    status: int
    printed: str
    summary: str  #: what it added to the page of the step


def run_workflow(file: Path, *, checkout: Path, folder: Path) -> Iterator[Step]:
    """Every command of every job, done; ``checkout`` is what the repository holds."""
    jobs = yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"]
    for name, job in jobs.items():
        for number, values in enumerate(_matrix(job)):
            home = folder / f"{name}-{number}"
            shutil.copytree(checkout, home)
            yield from _run_job(job["steps"], values, home=home, artifacts=folder / "artifacts")


def _matrix(job: Mapping[str, Any]) -> list[dict[str, object]]:
    axes = job.get("strategy", {}).get("matrix", {})
    assert len(axes) <= 1
    return [{axis: value} for axis, values in axes.items() for value in values] or [{}]


def _run_job(steps: list[Any], values: Mapping[str, object], *, home: Path, artifacts: Path) -> Iterator[Step]:
    for step in steps:
        given = {key: _filled(str(value), values) for key, value in step.get("with", {}).items()}
        action = step.get("uses", "").partition("@")[0]
        if "run" in step and not step["run"].startswith("pip install"):
            yield _run(_filled(step["run"], values), home)
        elif action == "actions/upload-artifact":
            _upload(home, given["path"], artifacts / given["name"])
        elif action == "actions/download-artifact":
            for artifact in sorted(artifacts.glob(given["pattern"])):
                shutil.copytree(artifact, home / given["path"] / artifact.name)
        else:
            assert "run" in step or action in IDLE, step


def _run(command: str, home: Path) -> Step:
    summary = home / ".summary"
    summary.write_text("")
    done = shell(command, home, GITHUB_STEP_SUMMARY=str(summary), GITHUB_ACTIONS="true")
    return Step(command, done.returncode, done.stdout, summary.read_text(encoding="utf-8"))


def _upload(home: Path, pattern: str, artifact: Path) -> None:
    """As the action does: what lies below the last folder before the first wildcard keeps its place."""
    root = home.joinpath(*Path(pattern.partition("*")[0] + "x").parts[:-1])
    found = [Path(name) for name in glob.glob(str(home / pattern))]
    assert found, pattern
    for one in found:
        kept = artifact / (one.relative_to(root) if "*" in pattern else "")
        kept.parent.mkdir(parents=True, exist_ok=True)
        if one.is_dir():
            shutil.copytree(one, kept, dirs_exist_ok=True)
        else:
            shutil.copy(one, kept)


def _filled(text: str, values: Mapping[str, object]) -> str:
    for name, value in values.items():
        text = text.replace("${{ matrix." + name + " }}", str(value))
    return text.replace("${{ github.run_id }}", "1")
