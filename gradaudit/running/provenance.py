"""Where a run was made and with what: versions, git state, machine. Nothing here can make a run fail."""

import importlib.metadata
import os
import platform
import subprocess

from gradaudit import __version__

PACKAGES = ("numpy", "numba", "llvmlite", "scipy", "joblib")  #: those that can change a number, or a run
FRAMEWORKS = ("torch", "jax", "jaxlib", "autograd")  #: what an engine, or any function under audit, may call
GIT_LIMIT = 5.0  #: s


def cores() -> int:
    """Cores that this process may use: the affinity mask, and the quota of a container's control group."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(available, _quota() or available))


def versions() -> dict[str, str]:
    """``{"gradaudit": "0.1.0", "python": "3.12.1", "numpy": …}``; without what is not installed, importing nothing."""
    found = {"gradaudit": __version__, "python": platform.python_version()}
    for package in (*PACKAGES, *FRAMEWORKS):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str]:
    """Cores, system and interpreter, without the name of the machine or of its user."""
    return {
        "cores": str(cores()),
        "system": platform.system(),
        "release": platform.release(),
        "architecture": platform.machine(),
        "implementation": platform.python_implementation(),
    }


def git() -> dict[str, str]:
    """``{"commit": …, "branch": "main", "dirty": "no"}`` of the current folder; empty outside a repository."""
    command = ["git", "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}  # look, and leave the index alone
    try:
        answer = subprocess.run(
            command,
            capture_output=True,
            check=True,
            timeout=GIT_LIMIT,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
    except (OSError, subprocess.SubprocessError):  # no git, no repository, a slow network drive
        return {}
    return _parsed(answer.stdout.decode(errors="replace"))


def _parsed(status: str) -> dict[str, str]:
    lines = status.splitlines()
    heads = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# branch.") and line.count(" ") > 1)
    dirty = any(not line.startswith("#") for line in lines)
    found = {"commit": heads.get("branch.oid", ""), "branch": heads.get("branch.head", "")}
    return {**found, "dirty": "yes" if dirty else "no"}


def _quota() -> int | None:
    """Whole cores that the container's limit allows, at least one; None where there is no limit."""
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            limit, period = file.read().split()
        return max(1, int(limit) // int(period))
    except (OSError, ValueError):  # another system, or "max"
        return None
