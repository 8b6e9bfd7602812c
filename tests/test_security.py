"""A suite is data, and what a run leaves is inert: nothing in either runs code, reads or writes where it should not."""

import csv
import re
from contextlib import redirect_stderr, redirect_stdout
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from stand_in import AUDIT

from gradaudit import cli
from gradaudit.isolation import keeper

CONFIGS = Path(__file__).parent.parent / "configs"
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e]")  #: what no terminal or document may be sent

CASE = """
  - function: marker:f
    gradient: marker:g
    inputs: {x: {shape: [2]}}
"""
MARKER = "from pathlib import Path\nPath('imported').touch()\ndef f(x): return x[0]\ndef g(x): return x\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a module that leaves a trace where it is imported."""
    monkeypatch.chdir(tmp_path)
    Path("marker.py").write_text(MARKER)
    return tmp_path


def suite(text: str, *, head: str = "version: 1\npath: [.]\nfunctions:") -> str:
    Path("suite.yaml").write_text(head + text, encoding="utf-8")
    return "suite.yaml"


def files(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


# the suite


@pytest.mark.parametrize(
    "command",
    [["list"], ["list", "--format", "json"], ["list", "--show-config", "marker.f"], ["validate"], ["schema"]],
)
def test_reading_a_suite_imports_nothing_that_it_names(command: list[str], capfd: pytest.CaptureFixture[str]):
    named = [] if command == ["schema"] else [suite(CASE)]
    assert cli.invoke([command[0], *named, *command[1:]]) in (0, 2)
    assert not Path("imported").exists()


def test_importing_is_what_validate_does_when_asked_to_in_a_process_of_its_own(capfd: pytest.CaptureFixture[str]):
    assert cli.invoke(["validate", suite(CASE), "--imports"]) == 0
    assert Path("imported").exists()


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.mkdir [made]",
        "!!python/object/new:os.mkdir [made]",
        "!!python/name:os.mkdir x",
        "!!python/module:marker x",
        "!!python/object:marker.f {}",
        "!<tag:yaml.org,2002:python/object/apply:os.mkdir> [made]",
        "!include /etc/hostname",
        "!!binary aGVsbG8=",
        "!!set {a}",
    ],
)
def test_no_tag_makes_anything(value: str, folder: Path, capfd: pytest.CaptureFixture[str]):
    before = files(folder) | {"suite.yaml"}
    assert cli.invoke(["validate", suite(f"{CASE}    kwargs: {{a: {value}}}\n")]) == 2
    assert "allowed: no tags" in capfd.readouterr().err
    assert files(folder) == before
    assert not Path("made").exists()


def bomb() -> str:
    lines = ["version: 1", "a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for one, other in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{other}: &{other} [{', '.join([f'*{one}'] * 10)}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        bomb(),
        "version: 1\nfunctions: " + "[" * 100_000,
        "version: 1\nfunctions: " + "{a: " * 100_000,
        "version: 1\nfunctions: &loop [*loop]",
        "version: 1\n" + "".join(f"k{i}: &a{i} 1\n" for i in range(60_000)),
        "version: 1\nseed: " + "9" * 1_000_000,
        "version: 1\nseed: 1" + "_0" * 500_000,
        "version: 1\nname: " + "a" * 3_000_000,
        "version: 1\n" + "? " * 200_000,
    ],
    ids=["aliases", "lists", "mappings", "loop", "anchors", "digits", "underscores", "name", "keys"],
)
def test_a_bomb_is_refused_before_it_goes_off(text: str, capfd: pytest.CaptureFixture[str]):
    assert cli.invoke(["validate", suite("", head=text)]) == 2
    assert len(capfd.readouterr().err) < 100_000


@pytest.mark.parametrize("text", ["$HOME", "${HOME}", "~", "$(id)", "`id`", "%PATH%", "{{ env.HOME }}", "!env HOME"])
def test_nothing_is_interpolated(text: str, capfd: pytest.CaptureFixture[str]):
    entry = CASE.replace("  - function", f"  - name: '{text}'\n    function")
    assert cli.invoke(["list", suite(entry)]) == 0
    assert capfd.readouterr().out == f"{text}\n"


# where a run writes


@pytest.mark.parametrize(
    "name", ["../../evil", "/tmp/evil", "..", ".", "a/../../b", "~root", "-rf", "a\0b", "x" * 5_000]
)
def test_no_name_leads_out_of_the_reports_folder(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(keeper, "AUDIT", AUDIT)
    inside = folder / "deep" / "deeper"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    quoted = '"' + name.replace("\0", "\\0") + '"'
    entry = (
        CASE.replace("- function", "- name: ok\n    function").replace("x:", f"{quoted}:") + f"    was: [{quoted}]\n"
    )
    status = cli.invoke(["run", suite(entry, head=f"version: 1\nname: {quoted}\nfunctions:"), "-j", "1"])
    assert status in (0, 2), capfd.readouterr().err
    outside = {name for name in files(folder) if not name.startswith("deep/deeper/reports/")}
    assert outside == {"marker.py", "deep/deeper/suite.yaml"}


# what a run leaves


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Everything that a run over the most talkative hostile functions wrote, by name; what was said, by stream."""
    outputs = [f"out{ending}" for ending in (".html", ".csv", ".json", ".jsonl", ".junit.xml", ".md", ".txt")]
    chosen = [word for name in ("injecting", "leaves controls", "mute", "disguised") for word in ("--id", name)]
    written = [word for name in outputs for word in ("-o", name)]
    words = ["run", str(CONFIGS / "hostile.yaml"), *chosen, *written, "-j", "1"]
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("left"))
        for style in ("full", "concise", "github"):
            with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
                assert cli.invoke([*words, "--format", style]) == 0
            found |= {f"{style} out": out.getvalue(), f"{style} err": err.getvalue()}
        for file in Path().rglob("*.*"):
            if file.suffix in TEXTS:
                found[str(file)] = file.read_text(encoding="utf-8")
                assert not file.stat().st_mode & 0o002, "others may write it"
    assert set(outputs) <= found.keys()
    return found


TEXTS = {".html", ".csv", ".json", ".jsonl", ".xml", ".md", ".txt"}


class Tags(HTMLParser):
    """Counts scripts and what could load or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[list[tuple[str, str | None]]] = []
        self.active: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self.scripts.append(attributes)
        if tag in ("iframe", "object", "embed", "base", "img") or any(name.startswith("on") for name, _ in attributes):
            self.active.append(tag)


def test_nothing_that_a_function_says_can_steer_a_reader(left: dict[str, str]):
    steered = {name: found[0] for name, text in left.items() if (found := STEERS.search(text))}
    assert steered == {}


def test_a_page_holds_its_own_scripts_only(left: dict[str, str]):
    for name in (name for name in left if name.endswith(".html")):
        tags = Tags()
        tags.feed(left[name])
        assert tags.active == []
        assert len(re.findall("<script", left[name], re.IGNORECASE)) == len(tags.scripts)
        assert not any(attribute == "src" for script in tags.scripts for attribute, _ in script)
        assert "alert(1)</script>" not in left[name]


def test_a_table_starts_no_formula(left: dict[str, str]):
    for name in (name for name in left if name.endswith(".csv")):
        cells = [cell for row in csv.reader(left[name].splitlines()) for cell in row]
        assert [cell for cell in cells if cell.startswith(("=", "@", "\t", "\r"))] == []
        assert [cell for cell in cells if cell.startswith(("+", "-")) and not is_number(cell)] == []


def test_xml_is_well_formed_and_says_what_was_said(left: dict[str, str]):
    root = ElementTree.fromstring(left["out.junit.xml"])
    assert "<script>alert(1)</script>" in "".join(root.itertext()) + str([node.attrib for node in root.iter()])


def test_no_workflow_command_is_forged(left: dict[str, str]):
    for line in left["github out"].splitlines():
        assert "::" not in line or line.startswith(("::error file=", "::error title=", "::warning "))
        assert line.count("::error") <= 1 or line.startswith("::error")


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
