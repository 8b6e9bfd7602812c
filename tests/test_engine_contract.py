"""Every engine on the shelf keeps the contract; an engine of a user's own is held to it by the same function."""

import importlib
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from suite_text import sound

import gradaudit as ga
from gradaudit import engines
from gradaudit.auditor import audit_case
from gradaudit.engines import EngineError
from gradaudit.engines._boundary import UserError, guarded
from gradaudit.engines._differentiable import Differentiable
from gradaudit.libraries import missing
from gradaudit.plan import make_plan
from gradaudit.plan.case import Target
from gradaudit.suite import SuiteError, load_suite
from gradaudit.testing import SCENARIOS, check_engine

#: What functions for an engine are written with.
NAMESPACES = {
    "autograd": "autograd.numpy",
    "jax": "jax.numpy",
    "numba": "numpy",
    "python": "numpy",
    "tape": "gradaudit.functions",
    "torch": "torch",
}

ENGINE = """
import numpy as np
from gradaudit.engines import Differentiable, EngineError


def recognises(function, target):
    return bool(getattr(function, "by_complex_step", False))


def load(target, function, claims):
    if not callable(function):
        raise EngineError(f"{target.function} is not a function")
    options = dict(target.kwargs)

    def value(*inputs):
        return function(*inputs, *target.args, **options)

    def vjp(*inputs_and_cotangent):
        *inputs, cotangent = inputs_and_cotangent
        cotangents = cotangent if isinstance(cotangent, tuple) else (cotangent,)
        found = []
        for i, x in enumerate(inputs):
            if x.dtype.kind != "f" or i in target.constants:
                continue
            gradient = np.zeros(x.shape)
            for index in np.ndindex(x.shape):
                moved = [np.asarray(other, dtype=complex) if other.dtype.kind == "f" else other for other in inputs]
                moved[i] = moved[i].copy()
                moved[i][index] += 1e-30j
                outputs = value(*moved)
                outputs = outputs if isinstance(outputs, tuple) else (outputs,)
                gradient[index] = sum(
                    np.sum(u * np.imag(out)) / 1e-30 for u, out in zip(cotangents, outputs, strict=True)
                )
            found.append(gradient)
        return tuple(found)

    given = {
        kind: lambda *values, claim=claim: claim(*values, *target.args, **options) for kind, claim in claims.items()
    }
    return Differentiable("complex step", value, {"vjp": vjp, **given})


class Engine:
    recognises = staticmethod(recognises)
    load = staticmethod(load)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A user's engine, importable as a module."""
    (tmp_path / "complex_step_engine.py").write_text(ENGINE)
    (tmp_path / "model_of_complex_step.py").write_text(
        "import numpy as np\ndef f(x):\n    return np.sum(np.sin(x) * x)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    return importlib.import_module("complex_step_engine")


@pytest.mark.parametrize("name", engines.names())
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_engine_of_the_shelf_keeps_the_contract(name, scenario):
    if absent := missing(name):
        pytest.skip(absent)
    assert scenario.problem(engines.part(name), importlib.import_module(NAMESPACES[name])) is None


@pytest.mark.parametrize("name", engines.names())
def test_arrays_of_another_byte_order_pass_as_those_of_this_machine(name):
    if absent := missing(name):
        pytest.skip(absent)
    numpy = importlib.import_module(NAMESPACES[name])
    swapped = np.dtype(float).newbyteorder()
    x, w = np.array([0.5, -1.0, 2.0], swapped), np.array([1, 2, 3], np.dtype(int).newbyteorder())
    claims = {} if name not in ("python", "numba") else {"vjp": lambda x, w, cotangent: w * np.cos(x) * cotangent}
    verdict = ga.audit(lambda x, w: numpy.sin(x) * w, x, w, engine=name, **claims)
    assert verdict.status == "pass", verdict.message


@pytest.mark.parametrize("name", engines.names())
def test_an_engine_of_the_shelf_refuses_and_recognises_as_it_should(name, monkeypatch):
    if absent := missing(name):
        pytest.skip(absent)
    monkeypatch.setattr("gradaudit.testing.SCENARIOS", ())
    check_engine(engines.part(name))


def test_an_engine_of_a_users_own_is_held_to_it_in_one_call(own):
    check_engine(own, np)


def broken(own, **parts):
    return SimpleNamespace(**{"recognises": own.recognises, "load": own.load, **parts})


def spoiling(own, spoil):
    """The engine with its Differentiable spoiled."""
    return broken(own, load=lambda target, function, claims: spoil(own.load(target, function, claims)))


def with_own_vjp(loaded, change):
    vjp = loaded.claims["vjp"]
    return replace(loaded, claims={**loaded.claims, "vjp": lambda *values: change(vjp(*values))})


def mutating(loaded):
    def function(*inputs):
        inputs[0][...] = 0.0
        return loaded.function(*inputs)

    return replace(loaded, function=function)


def widening(loaded):
    return replace(loaded, function=lambda *inputs: loaded.function(*(np.float16(x) for x in inputs)))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda loaded: with_own_vjp(loaded, lambda found: tuple(-part for part in found)), "own derivatives of a sum"),
        (lambda loaded: with_own_vjp(loaded, lambda found: found[:1]), "own derivatives of two inputs"),
        (lambda loaded: with_own_vjp(loaded, lambda found: found[::-1]), "own derivatives of two inputs"),
        (lambda loaded: replace(loaded, claims={"vjp": loaded.claims["vjp"]}), "a right gradient passes"),
        (mutating, "a right gradient passes"),
        (widening, "a wrong element of a gradient is named"),
    ],
)
def test_an_engine_with_a_fault_does_not_keep_the_contract(own, fault, said):
    with pytest.raises(AssertionError, match=said):
        check_engine(spoiling(own, fault), np)


def test_an_engine_that_forgets_options_or_constants_does_not_keep_the_contract(own):
    def forgetting(**changes):
        return broken(own, load=lambda target, *rest: own.load(replace(target, **changes), *rest))

    for changes in ({"kwargs": ()}, {"args": ()}, {"constants": ()}):
        with pytest.raises(AssertionError, match=r"options|constant"):
            check_engine(forgetting(**changes), np)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"load": lambda *_: Differentiable("mine", abs, {})}, "what is no function is accepted; allowed: EngineError"),
        ({"recognises": lambda *_: None}, "recognises(None) gives NoneType; allowed: bool"),
        ({"load": lambda *_: 1 / 0}, "ZeroDivisionError"),
    ],
)
def test_what_is_wrong_beside_the_derivatives_is_said_too(own, monkeypatch, parts, said):
    monkeypatch.setattr("gradaudit.testing.SCENARIOS", ())
    with pytest.raises(AssertionError) as caught:
        check_engine(broken(own, **parts))
    assert said in str(caught.value)


SUITE = """\
version: 1
path: [.]
functions:
  - {{function: "model_of_complex_step:f", engine: "{engine}", inputs: {{x: {{shape: [3]}}}}}}
"""


@pytest.mark.parametrize("engine", ["mypkg.engine", "mypkg:engine", "a.b.c:d.e"])
def test_a_suite_may_name_any_module_as_its_engine_and_nothing_is_imported_to_plan_it(tmp_path, engine):
    (tmp_path / "suite.yaml").write_text(SUITE.format(engine=engine))
    (case,) = make_plan(load_suite([tmp_path / "suite.yaml"], environment={}))
    assert case.target.engine == engine
    assert case.checks == ("vjp",)


def test_a_case_runs_on_the_engine_that_its_suite_names(tmp_path, own):
    package = tmp_path / "engines_of_mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "complex_step.py").write_text(ENGINE)
    importlib.invalidate_caches()
    (tmp_path / "suite.yaml").write_text(SUITE.format(engine="engines_of_mine.complex_step"))
    (case,) = make_plan(load_suite([tmp_path / "suite.yaml"], environment={}))
    verdict = audit_case(case)
    assert (verdict.status, verdict.engine) == ("pass", "complex step")


def test_from_python_an_object_in_a_module_serves_too(own):
    verdict = ga.audit(lambda x: np.sum(np.sin(x)), np.ones(3), engine="complex_step_engine:Engine")
    assert (verdict.status, verdict.engine) == ("pass", "complex step")


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ("no.such.engine", "no.such.engine: no module named 'no'"),
        ("os.path", "engine 'os.path' has no function 'recognises'"),
        ("os:path", "engine 'os:path' has no function 'recognises'"),
        ("os:pathe", "has no attribute 'pathe'; did you mean 'path'"),
    ],
)
def test_what_is_no_engine_is_refused_with_what_is_missing(engine, said):
    with pytest.raises(EngineError) as caught:
        engines.part(engine)
    assert said in str(caught.value)


def test_a_word_without_a_dot_must_be_on_the_shelf(tmp_path):
    (tmp_path / "suite.yaml").write_text(SUITE.format(engine="complex_step_engine"))
    with pytest.raises(SuiteError, match=r"unknown engine 'complex_step_engine'.*or a module of your own"):
        sound(load_suite([tmp_path / "suite.yaml"], environment={}))


def test_scenarios_demand_passes_and_failures_and_errors():
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
    assert {scenario.status.value for scenario in SCENARIOS} == {"pass", "fail", "error"}


@pytest.mark.parametrize("check", ["jvp", "hvp", "gradient", "jacobian", "hessian"])
def test_a_check_that_an_engine_has_nothing_for_is_left_out_and_named(own, check):
    verdict = ga.audit(lambda x: np.sum(np.sin(x)), np.ones(3), engine="complex_step_engine:Engine", checks=[check])
    assert verdict.status == "inconclusive"
    assert f"check {check} is left out: there is no" in verdict.message
    both = ga.audit(lambda x: np.sum(np.sin(x)), np.ones(3), engine="complex_step_engine:Engine", checks=["vjp", check])
    assert both.status == "pass"
    assert any(f"check {check} is left out" in note for note in both.notes)


def test_a_traceback_begins_where_the_users_code_does(tmp_path, monkeypatch):
    (tmp_path / "raising_module.py").write_text("def f(x):\n    return x\n\n\nraise OSError('no weights here')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError) as problem:
        guarded("import", engines.load, Target("raising_module:f"))
    _, first, *_ = problem.value.trace.splitlines()
    assert "raising_module.py" in first
    assert "importlib" not in problem.value.trace


def test_a_traceback_that_reaches_no_line_of_the_users_is_whole():
    with pytest.raises(UserError) as problem:
        guarded("function", engines.resolve, None)
    assert "in resolve" in problem.value.trace
