"""A run that is killed with SIGKILL at a random moment is resumed, and ends as if nothing had happened.

The moments go from the start of a run to its end; ``pytest -s tests/test_crash.py`` says what was kept at each.
"""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from killable import CASES, MARK, a_suite, finish, homes, start
from processes import wait_until

from gradaudit import report
from gradaudit.running.record import Audit

MOMENTS = 50


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """What a run that nobody kills leaves."""
    folder = a_suite(tmp_path_factory.mktemp("uninterrupted"))
    assert finish(folder)[0] == 1
    (home,) = homes(folder)
    return report.read(home)


def wait_for_lines(folder: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Until the results have ``count`` lines, or the run is over; not at all for less than none."""
    while count >= 0 and process.poll() is None:
        if any((home / "results.jsonl").read_bytes().count(b"\n") >= count for home in homes(folder)):
            return
        time.sleep(0.002)


def left_running(folder: Path) -> list[int]:
    """Processes of runs in ``folder``."""
    mark, found = f"{MARK}={folder}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return found


def verdicts(audit: Audit) -> Iterator[str]:
    """Every case with its verdict, but for what no two runs share: how long it took, and where in memory it was."""
    for result in audit.results:
        untimed = replace(result.verdict, measures=replace(result.verdict.measures, duration_s=0.0))
        said = repr((result.case.id, untimed)).replace(str(Path(result.case.path[0])), "")
        yield re.sub(r"0x[0-9a-f]+|after [\d.e-]+ s", "", said)


@pytest.mark.parametrize("number", range(MOMENTS))
def test_a_run_killed_at_any_moment_is_resumed_to_what_an_uninterrupted_one_gives(
    number: int, uninterrupted: Audit, tmp_path: Path
):
    rng = random.Random(number)
    folder = a_suite(tmp_path / "killed")
    process = start(folder)
    # by what has happened, and a little later: by the clock alone, a busy machine would be killed at its start only
    lines = rng.randrange(-3, CASES + 2)
    wait_for_lines(folder, lines, process)
    time.sleep(rng.random() * 0.2)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    status, said = finish(folder, "--resume")
    if status == 2 and "no unfinished run" in said:  # killed before there was anything to resume
        shutil.rmtree(folder / "reports", ignore_errors=True)  # at most an empty folder of a run
        status, said = finish(folder)
    kept = said.partition("resuming ")[2].partition("\n")[0] or "nothing had begun"
    print(f"killed after {max(lines, 0)} lines: {kept}")
    assert status == 1, said
    (home,) = homes(folder)
    audit = report.read(home)
    assert audit.run.complete
    assert len(audit.results) == CASES
    assert list(verdicts(audit)) == list(verdicts(uninterrupted))
    whole = {"report.html", "results.csv", "elements.csv", "curves.csv", "run.json", "results.jsonl"}
    assert {path.name for path in home.iterdir()} == whole
    assert wait_until(lambda: not left_running(folder), limit=10.0)


def test_a_pool_of_workers_ends_with_the_run_that_was_killed_beside_it(tmp_path: Path):
    folder = a_suite(tmp_path / "killed")
    process = start(folder, "--backend", "loky")
    wait_for_lines(folder, 2, process)
    assert len(left_running(folder)) > 1
    process.kill()  # alone, as the kernel does where memory is out
    process.wait()
    assert wait_until(lambda: not left_running(folder), limit=10.0)
