"""Where a run was made is found out without harm: what cannot be told is left out."""

import io
import subprocess

import pytest

from gradaudit.running import provenance


def under_quota(monkeypatch, text):
    def opened(path, **options):
        if isinstance(text, Exception):
            raise text
        return io.StringIO(text)

    monkeypatch.setattr(provenance, "open", opened, raising=False)
    monkeypatch.setattr(provenance.os, "sched_getaffinity", lambda process: set(range(8)), raising=False)


@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        ("max 100000\n", 8),
        ("50000 100000\n", 1),  # half a core
        ("250000 100000\n", 2),
        ("1600000 100000\n", 8),  # more than this process may use
        ("", 8),
        (FileNotFoundError(), 8),
    ],
)
def test_cores_are_those_of_the_process_as_far_as_the_container_lets_it_use_them(monkeypatch, quota, cores):
    under_quota(monkeypatch, quota)
    assert provenance.cores() == cores


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (
            "# branch.oid c0ffee\n# branch.head main\n# branch.ab +1 -0\n",
            {"commit": "c0ffee", "branch": "main", "dirty": "no"},
        ),
        (
            "# branch.oid c0ffee\n# branch.head main\n1 .M N... 100644 100644 100644 a b f.py\n",
            {"commit": "c0ffee", "branch": "main", "dirty": "yes"},
        ),
        ("", {"commit": "", "branch": "", "dirty": "no"}),
    ],
)
def test_the_state_of_the_repository_is_read_as_git_says_it(monkeypatch, status, found):
    answer = subprocess.CompletedProcess([], 0, stdout=status.encode())
    monkeypatch.setattr(provenance.subprocess, "run", lambda *given, **options: answer)
    assert provenance.git() == found


@pytest.mark.parametrize(
    "problem", [FileNotFoundError(), subprocess.TimeoutExpired("git", 5), subprocess.CalledProcessError(128, "git")]
)
def test_without_git_or_a_repository_nothing_is_said_of_it(monkeypatch, problem):
    def broken(*given, **options):
        raise problem

    monkeypatch.setattr(provenance.subprocess, "run", broken)
    assert provenance.git() == {}


def test_outside_a_repository_nothing_is_said_of_one(monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    assert provenance.git() == {}


def test_versions_are_of_what_is_installed(monkeypatch):
    monkeypatch.setattr(provenance, "PACKAGES", ("numpy", "no_such_package"))
    monkeypatch.setattr(provenance, "FRAMEWORKS", ())
    assert set(provenance.versions()) == {"gradaudit", "python", "numpy"}


def test_versions_of_frameworks_are_known_without_importing_them(monkeypatch, tmp_path):
    for name in ("torch", "jax", "jaxlib", "autograd"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported')")
        info = tmp_path / f"{name}-1.2.3.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2.3\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = provenance.versions()
    assert {found[name] for name in ("torch", "jax", "jaxlib", "autograd")} == {"1.2.3"}
