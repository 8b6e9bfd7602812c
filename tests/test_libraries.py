"""Engines whose library is not installed are refused early, with what to install."""

import sys
from pathlib import Path

import pytest
from suite_text import sound

from gradaudit import engines
from gradaudit.engines import EngineError
from gradaudit.libraries import LIBRARIES, missing
from gradaudit.plan.case import Target
from gradaudit.suite import SuiteError, load_suite
from gradaudit.suite.shelves import parts


@pytest.fixture
def without_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradaudit.libraries.find_spec", lambda name: None)
    for name in LIBRARIES:  # another test may have loaded them
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.usefixtures("without_libraries")
@pytest.mark.parametrize("engine", LIBRARIES)
def test_a_missing_library_is_named_with_the_command_that_installs_it(engine: str) -> None:
    assert missing(engine) == f"engine {engine!r} needs {LIBRARIES[engine]}: pip install 'gradaudit[{engine}]'"


@pytest.mark.usefixtures("without_libraries")
@pytest.mark.parametrize("engine", sorted(set(parts("engines")) & set(LIBRARIES)))
def test_a_suite_that_names_such_an_engine_is_refused_at_its_place(tmp_path: Path, engine: str) -> None:
    suite = tmp_path / "suite.yaml"
    suite.write_text(f"version: 1\nfunctions:\n  - {{function: 'm:f', engine: {engine}, inputs: {{x: [1]}}}}\n")
    with pytest.raises(SuiteError) as caught:
        sound(load_suite([suite], environment={}))
    (problem,) = caught.value.problems
    assert (problem.place.line, problem.message) == (3, missing(engine))


@pytest.mark.usefixtures("without_libraries")
def test_from_python_it_is_refused_in_the_same_words_and_is_no_candidate_where_none_is_named() -> None:
    for engine in set(parts("engines")) & set(LIBRARIES):
        with pytest.raises(EngineError, match="pip install"):
            engines.adapt(Target("f", engine=engine), abs, {})
    assert engines.adapt(Target("f", (("gradient", "g"),)), abs, {"gradient": abs}).engine == "python"


def test_engines_that_need_nothing_are_never_missing() -> None:
    assert [engine for engine in parts("engines") if engine not in LIBRARIES and missing(engine)] == []
