"""The suites of configs/ give exactly the verdicts that they are there for, and every function in them has its use."""

import ast
import csv
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import patch

import pytest

from gradaudit import ops
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Element, Status, Verdict
from gradaudit.plan import make_plan
from gradaudit.plan.case import Case
from gradaudit.running import runner
from gradaudit.running.record import Audit
from gradaudit.suite import load_suite
from gradaudit.suite.shelves import parts

CONFIGS = Path(__file__).parent.parent / "configs"
SUITES = ("suite", "planted", "scipy", "hostile")
#: Suites that need a library more than gradaudit does, beside its module.
FRAMEWORKS = {
    "autograd": "autograd",
    "jax_nn": "jax",
    "torch_nn": "torch",
    "scipy_slopes": "scipy",
    "sklearn_kernels": "sklearn",
    "statsmodels": "statsmodels",
}

#: Suites of functions that their library has only from this version on.
SINCE = {"scipy_slopes": (1, 15)}

#: Every planted fault: what must be said of it, and the elements that are wrong, or whole inputs where they are many;
#: entries of a Jacobian or Hessian as output/input. Nothing is measured where a claim has not the form of a derivative.
FAULTS: dict[str, tuple[Diagnosis, str]] = {
    "sign": (Diagnosis.WRONG_SIGN, "x"),
    "thousandth": (Diagnosis.CONSTANT_FACTOR, "x"),
    "absolute value": (Diagnosis.WRONG_SIGN, "x[0]; x[5]; x[6]; x[7]"),
    "clipped": (Diagnosis.SOME_ELEMENTS, "x[0]; x[2]; x[3]; x[6]; x[7]"),
    "half precision": (Diagnosis.SOME_ELEMENTS, "x"),
    "integers": (Diagnosis.WRONG, "x"),
    "primal": (Diagnosis.WRONG, "x"),
    "long step": (Diagnosis.CONSTANT_FACTOR, "x"),
    "factor two": (Diagnosis.CONSTANT_FACTOR, "x"),
    "zero": (Diagnosis.ZERO, "x"),
    "one over n": (Diagnosis.CONSTANT_FACTOR, "x"),
    "divisor": (Diagnosis.CONSTANT_FACTOR, "x"),
    "degrees": (Diagnosis.CONSTANT_FACTOR, "x"),
    "log base": (Diagnosis.CONSTANT_FACTOR, "x"),
    "chain rule": (Diagnosis.WRONG, "x"),
    "product rule": (Diagnosis.WRONG, "x"),
    "penalty": (Diagnosis.MISSING_TERM, "x"),
    "linear term": (Diagnosis.MISSING_TERM, "x"),
    "epsilon": (Diagnosis.WRONG, "x"),
    "branch": (Diagnosis.SOME_ELEMENTS, "x[0]; x[4]; x[5]"),
    "of the output": (Diagnosis.WRONG, "x"),
    "last term": (Diagnosis.WRONG, "x"),
    "last difference": (Diagnosis.SOME_ELEMENTS, "x[6]; x[7]"),
    "not normalised": (Diagnosis.CONSTANT_FACTOR, "x"),
    "outside the kink": (Diagnosis.TIE, "x[1]"),
    "one element": (Diagnosis.ONE_ELEMENT, "x[3]"),
    "stale element": (Diagnosis.ONE_ELEMENT, "x[7]"),
    "swapped pair": (Diagnosis.SWAPPED, "x[1]; x[4]"),
    "reversed": (Diagnosis.PERMUTED, "x"),
    "shifted": (Diagnosis.PERMUTED, "x"),
    "one row": (Diagnosis.ONE_ROW, "x[2, 0]; x[2, 1]; x[2, 2]"),
    "one column": (Diagnosis.ONE_COLUMN, "x[0, 1]; x[1, 1]; x[2, 1]; x[3, 1]"),
    "order of elements": (Diagnosis.TRANSPOSED, "x"),
    "transposed": (Diagnosis.TRANSPOSED, "matrix"),
    "detached input": (Diagnosis.ZERO, "matrix"),
    "one input": (Diagnosis.ONE_INPUT, "x"),
    "one input, sign": (Diagnosis.WRONG_SIGN, "b"),
    "inputs in the wrong order": (Diagnosis.SWAPPED, "x; exponent"),
    "repeated index": (Diagnosis.ONE_ELEMENT, "x[3]"),
    "inverted mask": (Diagnosis.WRONG, "x"),
    "truncated recurrence": (Diagnosis.SOME_ELEMENTS, "x[0]; x[1]; x[2]; x[3]"),
    "cotangent ignored": (Diagnosis.COTANGENT_IGNORED, "x"),
    "cotangent averaged": (Diagnosis.WRONG, "x"),
    "tanh of the input": (Diagnosis.WRONG, "x"),
    "relu leaks": (Diagnosis.SOME_ELEMENTS, "x[0]; x[1]"),
    "broadcast not summed": (Diagnosis.NOT_SUMMED, ""),
    "broadcast averaged": (Diagnosis.CONSTANT_FACTOR, "b"),
    "wrong axis": (Diagnosis.TRANSPOSED, "x"),
    "softmax diagonal": (Diagnosis.WRONG, "x"),
    "softmax axis": (Diagnosis.WRONG, "x"),
    "cross entropy target": (Diagnosis.MISSING_TERM, "logits[0, 0]; logits[1, 2]; logits[2, 1]; logits[3, 2]"),
    "layer norm variance": (Diagnosis.MISSING_TERM, "x"),
    "batch norm constants": (Diagnosis.MISSING_TERM, "x"),
    "max to all": (Diagnosis.SOME_ELEMENTS, "x"),
    "max pool to all": (Diagnosis.SOME_ELEMENTS, "x"),
    "average pool": (Diagnosis.CONSTANT_FACTOR, "x"),
    "kernel not turned": (Diagnosis.ONE_INPUT, "x"),
    "dropout scale": (Diagnosis.CONSTANT_FACTOR, "x"),
    "word twice": (Diagnosis.ONE_ROW, "weight[4, 0]; weight[4, 1]; weight[4, 2]"),
    "attention scale": (Diagnosis.CONSTANT_FACTOR, "q; k"),
    "forget gate": (Diagnosis.ONE_INPUT, "c"),
    "weight transposed": (Diagnosis.TRANSPOSED, "weight"),
    "constant length": (Diagnosis.MISSING_TERM, "x"),
    "none": (Diagnosis.ZERO, ""),
    "column": (Diagnosis.SHAPE, ""),
    "too short": (Diagnosis.SHAPE, ""),
    "one number": (Diagnosis.SHAPE, ""),
    "complex": (Diagnosis.DTYPE, ""),
    "objects": (Diagnosis.DTYPE, ""),
    "input mutated": (Diagnosis.INPUT_MUTATED, ""),
    "nan": (Diagnosis.NOT_FINITE, "x[1]"),
    "overflow": (Diagnosis.NOT_FINITE, "x[3]"),
    "too few arrays": (Diagnosis.SHAPE, ""),
    "too many arrays": (Diagnosis.SHAPE, ""),
    "other value": (Diagnosis.OTHER_VALUE, "out"),
    "one call late": (Diagnosis.STALE, "x"),
    "cached by shape": (Diagnosis.STALE, "x"),
    "saved on the way forward": (Diagnosis.STALE, "; ".join(f"gradient x[{k}]/x[{k}]" for k in range(3))),
    "dropped entry": (Diagnosis.ONE_ELEMENT, "out[2]/x[3]"),
    "extra entry": (Diagnosis.ONE_ELEMENT, "out[0]/x[5]"),
    "jacobian transposed": (Diagnosis.TRANSPOSED, "x"),
    "jacobian row": (Diagnosis.ONE_ROW, "; ".join(f"out[1]/x[{k}]" for k in range(6))),
    "jacobian row scaled": (Diagnosis.ONE_ROW, "out[4]/x[4]; out[4]/x[5]"),
    "jvp of the primal": (Diagnosis.SOME_ELEMENTS, "x"),
    "jvp of one input": (Diagnosis.ZERO, "b"),
    "jvp sign": (Diagnosis.WRONG_SIGN, "b"),
    "hessian triangle": (Diagnosis.NOT_SYMMETRIC, "; ".join(f"gradient x[{k + 1}]/x[{k}]" for k in range(4))),
    "hessian diagonal": (Diagnosis.SOME_ELEMENTS, "x"),
    "gauss-newton": (Diagnosis.SOME_ELEMENTS, "; ".join(f"gradient x[{k}]/x[{k}]" for k in range(4))),
    "hvp half": (Diagnosis.CONSTANT_FACTOR, "x"),
    "hvp diagonal": (Diagnosis.WRONG, "x"),
    "hvp ignores its vector": (Diagnosis.TANGENT_IGNORED, "x"),
    "cotangent clipped": (Diagnosis.NOT_LINEAR, "x"),
    "cotangent guarded": (Diagnosis.NOT_LINEAR, "x"),
    "forward mode alone": (Diagnosis.NOT_ADJOINT, "tangent 1; tangent 2"),
    "never twice": (Diagnosis.NONDETERMINISTIC, "x"),
    "one of three hundred": (Diagnosis.WRONG, "tangent 1; tangent 2; tangent 3"),
}

Audited = Callable[[str], Audit]


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """The audit of a suite, run once with two jobs."""
    folder = tmp_path_factory.mktemp("reports")
    return cache(lambda name: runner.run(CONFIGS / f"{name}.yaml", jobs=2, folder=folder))


def verdicts(audit: Audit) -> dict[str, Verdict]:
    return {result.case.id: result.verdict for result in audit.results}


def unlike(audit: Audit, status: Status) -> dict[str, str]:
    """The cases that ended otherwise, with what was said of them."""
    return {name: f"{v.status}: {v.message}" for name, v in verdicts(audit).items() if v.status is not status}


@cache
def plan(name: str) -> tuple[Case, ...]:
    with patch("gradaudit.suite.available.missing", return_value=None):  # a plan imports no library
        return make_plan(load_suite([CONFIGS / f"{name}.yaml"], environment={}))


@pytest.mark.parametrize(("name", "least", "most"), [("suite", 250, 400), ("scipy", 90, 150)])
def test_every_right_derivative_passes(audited: Audited, name: str, least: int, most: int):
    audit = audited(name)
    assert unlike(audit, Status.PASS) == {}
    assert least <= len(audit.results) <= most


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_every_derivative_of_a_framework_ends_as_its_suite_says(audited: Audited, name: str):
    if find_spec(FRAMEWORKS[name]) is None:
        pytest.skip(f"{FRAMEWORKS[name]} is not installed")
    if name in SINCE and release(FRAMEWORKS[name]) < SINCE[name]:
        pytest.skip(f"{FRAMEWORKS[name]} is older than {'.'.join(map(str, SINCE[name]))}")
    assert {name: why for name, why in unlike(audited(name), Status.PASS).items() if not why.startswith("xfail")} == {}


def release(package: str) -> tuple[int, int]:
    """(1, 17) of what is installed as 1.17.2."""
    major, minor, *_ = version(package).split(".")
    return int(major), int(minor)


def test_every_planted_fault_fails_as_expected(audited: Audited):
    assert unlike(audited("planted"), Status.XFAIL) == {}
    assert verdicts(audited("planted")).keys() == FAULTS.keys()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_named_and_found_where_it_is(audited: Audited, fault: str):
    verdict = verdicts(audited("planted"))[fault]
    diagnosis, places = FAULTS[fault]
    assert verdict.diagnosis is diagnosis, verdict.message
    wrong = [element for element in verdict.elements if element.status is Status.FAIL]
    named = [element for element in wrong if not element.input.startswith("tangent")] or wrong
    expected = set(places.split("; ")) if places else set()
    place = full_place if any("[" in name for name in expected) else input_name
    assert {place(element) for element in named} == expected
    assert bool(wrong) == (verdict.counts.failed > 0) == bool(expected)


def full_place(element: Element) -> str:
    """``x[3]``, or ``out[2]/x[3]`` where every output is a column of its own."""
    return element.input if element.check in ("gradient", "vjp") else f"{element.output}/{element.input}"


def input_name(element: Element) -> str:
    return (element.input or element.output).partition("[")[0]


def test_one_job_and_two_leave_the_same_tables(tmp_path: Path):
    homes = [
        runner.run_folder(runner.run(CONFIGS / "planted.yaml", jobs=jobs, folder=tmp_path).run, tmp_path)
        for jobs in (1, 2)
    ]
    for table in ("results.csv", "elements.csv", "curves.csv"):
        one, two = (timeless(home / table) for home in homes)
        assert len(one) > len(FAULTS) / 2
        assert one == two


def timeless(table: Path) -> list[list[str]]:
    """The rows of a CSV file without the column that may differ."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    kept = [column for column, name in enumerate(rows[0]) if name != "duration_s"]
    return [[row[column] for column in kept] for row in rows]


@pytest.mark.parametrize("name", [name for name in ops.__all__ if not name.endswith("_vjp")])
def test_every_op_stands_in_the_main_suite_beside_its_vjp(name: str):
    pairs = {(case.target.function, case.target.claims) for case in plan("suite")}
    assert (f"gradaudit.ops:{name}", (("vjp", f"gradaudit.ops:{name}_vjp"),)) in pairs


def test_the_main_suite_shows_every_check_and_the_engines_that_need_no_other_package():
    needs_another = {"batch"}  # only frameworks offer the derivatives of a whole batch
    assert {check for case in plan("suite") for check in case.checks} == set(parts("checks")) - needs_another
    assert {case.target.engine or "python" for case in plan("suite")} == {"python", "numba", "tape"}


def test_no_function_beside_the_suites_is_forgotten():
    named = {reference for suite in (*SUITES, *FRAMEWORKS) for case in plan(suite) for reference in references(case)}
    assert defined() - named == set()


def references(case: Case) -> list[str]:
    return [case.target.function, *(claim for _, claim in case.target.claims)]


def defined() -> set[str]:
    """``module:function`` for every public function of the modules in configs/."""
    found = set()
    for file in set(CONFIGS.rglob("*.py")) - {CONFIGS / "opinfo.py"}:  # it serves a script too
        root = CONFIGS / "examples" if "examples" in file.parts else CONFIGS
        module = ".".join(file.relative_to(root).with_suffix("").parts)
        body = ast.parse(file.read_text(encoding="utf-8")).body
        found |= {f"{module}:{node.name}" for node in body if isinstance(node, ast.FunctionDef)}
    return {reference for reference in found if ":_" not in reference}
