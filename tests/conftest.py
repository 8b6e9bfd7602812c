"""What every test runs under: property tests without clock or chance, compiled code that is hardly optimised; and the
fixtures of the command line.

Optimising takes most of the time of compiling here, and changes no result that a test looks at. The compiled code is
cached apart from the user's, whose kernels are optimised.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("NUMBA_OPT", "1")
# one folder for each process of pytest -n: two that compile the same function would race for its file
_worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).parents[1] / ".pytest_cache" / "numba" / _worker)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a shell has its background jobs ignore Ctrl-C, and so would every process that a test starts and interrupts
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("gradaudit", deadline=None, derandomize=True)
settings.register_profile("long", deadline=None, max_examples=2_000)
settings.load_profile("gradaudit")


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line: (exit status, stdout, stderr)."""
    from gradaudit import cli

    def invoke(*arguments: str) -> tuple[int, str, str]:
        status = cli.invoke(arguments)
        out, err = capsys.readouterr()
        return status, out, err

    return invoke


@pytest.fixture
def stood_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty; what runs here is audited by the stand-in, at a commit that is always the same."""
    from stand_in import AUDIT

    from gradaudit.isolation import keeper
    from gradaudit.running import provenance

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(keeper, "AUDIT", AUDIT)
    monkeypatch.setattr(provenance, "git", lambda: {"commit": "c0ffee", "branch": "main", "dirty": "no"})
    return tmp_path
