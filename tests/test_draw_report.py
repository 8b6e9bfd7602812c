"""The nights of the README's picture: gradients that are right, and the faults that are put into them."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
from script import SCRIPTS, imported

import gradaudit as ga


@pytest.fixture
def script(monkeypatch):
    return imported("draw_report", monkeypatch)


def ends(folder: Path, module: str) -> dict[str, str]:
    """Ids and statuses of the suite over this module."""
    (folder / "losses.py").write_text(module)
    shutil.copy(SCRIPTS / "night" / "losses.yaml", folder)
    audit = ga.run(folder / "losses.yaml", jobs=1, folder=folder / "reports")
    return {result.case.id: str(result.verdict.status) for result in audit.results}


def failing(found: dict[str, str]) -> set[str]:
    return {id_.split("[")[0] for id_, status in found.items() if status == "fail"}


def test_what_the_picture_spoils_is_right(script, tmp_path):
    assert Counter(ends(tmp_path, script.spoiled({})).values()) == {"pass": 32, "inconclusive": 1, "xfail": 1}


def test_the_last_night_has_new_failures_and_some_that_are_mended(script, tmp_path):
    assert failing(ends(tmp_path, script.spoiled(script.WRONG_BEFORE))) == {"cosine"}
    now = ends(tmp_path, script.spoiled(script.WRONG_NOW))
    assert failing(now) == {"huber", "layer_norm", "embedding"}
    assert now[script.SHOWN] == "fail"


def test_a_fault_that_has_no_place_any_more_is_refused(script):
    with pytest.raises(SystemExit, match=r"0 times in losses\.py, allowed once: x = 1"):
        script.spoiled({"x = 1": "x = 2"})
