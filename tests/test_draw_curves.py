"""Pictures of curves: each case has its own file in the folder, whatever its id holds."""

import pytest
from script import imported


@pytest.fixture
def script(monkeypatch):
    return imported("draw_curves", monkeypatch)


PAGE = """<style>:root { --ink: black }
.curve text { fill: var(--ink) }</style><div class="curve"><svg width="1"><text>V</text></svg></div>"""


def test_a_case_whose_id_looks_like_a_path_is_drawn_into_the_folder(script, monkeypatch, tmp_path):
    monkeypatch.setattr(script, "browse", lambda *_, **__: PAGE)
    cases = ["../tree/1018", "huber[n=1,delta=0.5]@start", "50 %", "50 %25"]
    monkeypatch.setattr("sys.argv", ["draw_curves.py", "report.html", str(tmp_path / "pictures"), *cases])
    script.main()
    drawn = {file.name: file.read_text(encoding="utf-8") for file in (tmp_path / "pictures").iterdir()}
    assert drawn.keys() == {
        "..%2Ftree%2F1018.svg", "huber[n=1,delta=0.5]@start.svg", "50 %25.svg", "50 %2525.svg"
    }  # fmt: skip
    assert all(picture.startswith("<svg xmlns=") and "<text>V</text>" in picture for picture in drawn.values())
