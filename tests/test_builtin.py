"""``builtin:NAME``: suites that come with gradaudit, by name."""

from pathlib import Path

import pytest
from suite_text import sound

from gradaudit.plan import make_plan
from gradaudit.suite import SuiteError, builtin, load_suite


def refusal(name):
    with pytest.raises(SuiteError) as caught:
        sound(load_suite([name], environment={}))
    return str(caught.value)


@pytest.mark.parametrize("name", builtin.names())
def test_every_suite_that_is_named_is_there(name):
    assert builtin.located(f"builtin:{name}").is_file()


def test_a_built_in_suite_is_the_file_of_that_name():
    by_name = load_suite(["builtin:scipy"], environment={})
    by_file = load_suite([builtin.FOLDER / "scipy.yaml"], environment={})
    assert [entry.path for entry in by_name.entries] == [entry.path for entry in by_file.entries]
    assert [case.id for case in make_plan(by_name)] == [case.id for case in make_plan(by_file)]


def test_its_cases_are_run_again_by_its_name_and_their_places_say_which_file_it_includes():
    suite = load_suite(["builtin:suite"], environment={})
    cases = make_plan(suite)
    assert suite.files == ("builtin:suite",)
    assert {case.suite for case in cases} == {"builtin:suite"}
    assert {case.place.split(":")[1] for case in cases} >= {"ops/activation.yaml", "examples/layers.yaml"}


def test_a_name_that_is_nearly_one_is_suggested_and_any_other_gets_the_list():
    assert refusal("builtin:suit") == "builtin:suit: no built-in suite 'suit'; did you mean 'suite'?"
    assert refusal("builtin:").endswith(f"no built-in suite ''; allowed: {', '.join(builtin.names())}")


@pytest.mark.parametrize("name", ["builtin:../pyproject", "builtin:ops/activation", "builtin:suite.yaml", "builtin:\0"])
def test_nothing_but_a_listed_name_leads_to_a_file(name):
    assert "no built-in suite" in refusal(name)


def test_a_file_whose_name_begins_like_one_is_still_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("builtin:mine.yaml").write_text("version: 2", encoding="utf-8")
    for name in ("./builtin:mine.yaml", Path("builtin:mine.yaml")):
        assert "no built-in suite" not in refusal(name)
