"""What is built is whole: a wheel that works away from the checkout, and metadata that agree with the project."""

import os
import re
import runpy
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from importlib.metadata import version
from pathlib import Path

import pytest

import gradaudit
from gradaudit.libraries import LIBRARIES

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
INFO = f"gradaudit-{gradaudit.__version__}.dist-info"


def build(kind, *, source, into):
    """The file that the project's build backend makes of ``source``: "wheel" or "sdist"."""
    code = f"import sys; from hatchling.build import build_{kind} as build; print(build(sys.argv[1]))"
    into.mkdir()
    done = subprocess.run([sys.executable, "-c", code, into], cwd=source, capture_output=True, text=True, check=True)
    return into / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("hatchling")
    with zipfile.ZipFile(build("wheel", source=ROOT, into=tmp_path_factory.mktemp("built") / "wheel")) as archive:
        yield archive


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Runs Python far from the checkout, where the wheel's files come before it."""
    site, elsewhere = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("elsewhere")
    wheel.extractall(site)
    environment = {**os.environ, "PYTHONPATH": str(site), "COLUMNS": "200"}

    def run(*words):
        command = [sys.executable, *words]
        return subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, timeout=300)

    return run


def under_version_control(folder):
    listed = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("this is no checkout")
    return {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}


def test_every_file_of_the_package_and_every_suite_is_in_the_wheel(wheel):
    code = under_version_control("gradaudit")
    suites = {f"gradaudit/suites/{name.removeprefix('configs/')}" for name in under_version_control("configs")}
    assert {"gradaudit/py.typed", "gradaudit/suites/suite.yaml", "gradaudit/suites/known/fits.py"} <= code | suites
    assert code | suites <= set(wheel.namelist())


def test_nothing_but_the_package_and_its_metadata_is_in_the_wheel(wheel):
    assert {name.partition("/")[0] for name in wheel.namelist()} == {"gradaudit", INFO}
    assert not [name for name in wheel.namelist() if "__pycache__" in name]


def test_the_suites_of_the_wheel_are_those_of_configs_to_the_byte(wheel):
    for name in under_version_control("configs"):
        assert wheel.read(f"gradaudit/suites/{name.removeprefix('configs/')}") == (ROOT / name).read_bytes(), name


def test_a_wheel_made_from_the_source_distribution_holds_the_same(wheel, tmp_path):
    with tarfile.open(build("sdist", source=ROOT, into=tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = tmp_path / f"gradaudit-{gradaudit.__version__}"
    with zipfile.ZipFile(build("wheel", source=unpacked, into=tmp_path / "wheel")) as again:
        assert sorted(again.namelist()) == sorted(wheel.namelist())


def test_built_in_suites_run_away_from_the_checkout(installed):
    assert str(ROOT) not in installed("-c", "import gradaudit; print(gradaudit.__file__)").stdout
    words = ("run", "builtin:suite", "-k", "softplus or huber", "-j", "1", "--format", "concise")
    done = installed("-m", "gradaudit", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^(\d+) of \1 pass$", done.stdout, flags=re.MULTILINE)


def test_the_functions_that_built_in_suites_name_come_with_them(installed):
    done = installed(
        "-m", "gradaudit", "validate", "--imports", "builtin:suite", "builtin:planted", "builtin:scipy_special"
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_built_in_suites_are_found_in_the_checkout_and_in_the_wheel_alike(installed):
    in_wheel = installed("-m", "gradaudit", "validate", "builtin:none")
    assert in_wheel.returncode == 2
    names = ", ".join(sorted(file.stem for file in (ROOT / "configs").glob("*.yaml")))
    assert in_wheel.stderr == f"builtin:none: no built-in suite 'none'; allowed: {names}\n"


def test_the_version_stands_in_one_place_and_everything_else_follows(wheel, installed):
    head = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert head is not None
    assert "version" not in PROJECT
    told = installed("-m", "gradaudit", "--version").stdout
    assert {head[1], version("gradaudit"), told.split()[-1]} == {gradaudit.__version__}
    assert message_from_bytes(wheel.read(f"{INFO}/METADATA"))["Version"] == gradaudit.__version__


def test_the_metadata_name_the_licence_and_carry_its_text(wheel):
    metadata = message_from_bytes(wheel.read(f"{INFO}/METADATA"))
    assert (metadata["License-Expression"], metadata["License-File"]) == ("MIT", "LICENSE")
    assert wheel.read(f"{INFO}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert "Typing :: Typed" in metadata.get_all("Classifier")


def test_every_requirement_has_a_least_version_and_the_constraints_follow_it():
    made = runpy.run_path(str(ROOT / "scripts" / "minimum_versions.py"))
    listed = list(made["constraints"]())
    wanted = [asked.replace(">=", "==") for asked in PROJECT["dependencies"]]
    assert listed[: len(wanted)] == wanted
    assert "dask==2024.5" in listed
    assert not [line for line in listed if line.startswith(("pytest", "ruff"))]


def test_a_requirement_without_a_least_version_is_refused(tmp_path):
    made = runpy.run_path(str(ROOT / "scripts" / "minimum_versions.py"))
    loose = tmp_path / "pyproject.toml"
    loose.write_text('[project]\ndependencies = ["numpy<3"]\n[project.optional-dependencies]\n', encoding="utf-8")
    made["constraints"].__globals__["PYPROJECT"] = loose
    with pytest.raises(ValueError, match="'numpy<3' names no least version; write name>=version"):
        list(made["constraints"]())


def test_whatever_messages_tell_to_install_is_an_extra():
    assert {*LIBRARIES, "dask", "ray"} <= set(PROJECT["optional-dependencies"])
