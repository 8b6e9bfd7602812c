"""``gradaudit init``: a first suite, read from a module's text without importing it."""

from pathlib import Path

import pytest

from gradaudit import cli
from gradaudit.plan import make_plan
from gradaudit.suite import load_suite, starter

MODULE = '''\
"""Importing this must never happen."""
raise SystemExit("imported")

def huber(x, delta=1.0): ...
def huber_grad(x, delta=1.0): ...
def rosen(x): ...
def rosen_der(x): ...
def rosen_hess_prod(x, p): ...
def grad_dot(a, b): ...
def dot(a, b): ...
def layer(x, w): ...
def layer_vjp(x, w, g): ...
def layer_vjp_vjp(x, w, g, h): ...
def curvature(x): ...
def curvature_hess(x): ...
def alone(x): ...

class Clamp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, low): ...
    @staticmethod
    def backward(ctx, g): ...

class Newer(Function):
    @staticmethod
    def forward(x): ...
    @staticmethod
    def setup_context(ctx, inputs, output): ...
    @staticmethod
    def backward(ctx, g): ...

class NotOne(Function):
    def forward(self, x): ...

@jax.custom_vjp
def safe_norm(x): ...

@partial(jax.custom_jvp, nondiff_argnums=(1,))
def power(x, n): ...

@primitive
def logsumexp(x): ...
defvjp(logsumexp, lambda ans, x: ...)
'''


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = Path("src/pkg")
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('imported')\n")
    (folder / "losses.py").write_text(MODULE)
    return folder / "losses.py"


def found(word: str) -> dict[str, starter.Found]:
    return {item.reference.partition(":")[2]: item for item in starter.discover(starter.locate(word))}


def test_pairs_are_found_by_name_and_custom_derivatives_by_form(package):
    claims = {name: dict(item.claims) or item.engine for name, item in found("pkg.losses").items()}
    assert claims == {
        "huber": {"gradient": "pkg.losses:huber_grad"},
        "rosen": {"gradient": "pkg.losses:rosen_der", "hvp": "pkg.losses:rosen_hess_prod"},
        "dot": {"gradient": "pkg.losses:grad_dot"},
        "layer": {"vjp": "pkg.losses:layer_vjp"},
        "Clamp.apply": "torch",
        "Newer.apply": "torch",
        "safe_norm": "jax",
        "power": "jax",
        "logsumexp": "autograd",
    }


def test_inputs_are_the_parameters_that_must_be_given(package):
    inputs = {name: item.inputs for name, item in found(str(package)).items()}
    assert inputs["huber"] == ("x",)
    assert inputs["dot"] == ("a", "b")
    assert inputs["Clamp.apply"] == ("x", "low")
    assert inputs["Newer.apply"] == ("x",)


def test_the_suite_is_in_order_and_finds_its_module(package, capsys):
    assert cli.invoke(["init", "pkg.losses", "-o", "suites/first.yaml"]) == 0
    assert "9 functions" in capsys.readouterr().out
    text = Path("suites/first.yaml").read_text()
    Path("suites/numpy.yaml").write_text(text.partition("  - name: Clamp")[0])
    cases = make_plan(load_suite(["suites/numpy.yaml"]))
    assert [case.id for case in cases] == ["huber", "rosen", "dot", "layer"]
    assert cases[0].path == (str(Path("src").resolve()),)


@pytest.mark.parametrize("word", ["pkg", "src/pkg", "src/pkg/__init__.py"])
def test_a_package_is_read_with_all_that_is_in_it(package, word):
    inner = package.parent / "inner"
    inner.mkdir()
    (inner / "__init__.py").touch()
    (inner / "more.py").write_text("def huber(x): ...\ndef huber_grad(x): ...\ndef cub(x): ...\ndef dcub(x): ...\n")
    (package.parent / "scratch").mkdir()  # no package: it cannot be imported from pkg
    (package.parent / "scratch" / "old.py").write_text("def f(x): ...\ndef f_grad(x): ...\n")
    assert cli.invoke(["init", word]) == 0
    names = [line.split()[-1] for line in Path("suite.yaml").read_text().splitlines() if "- name:" in line]
    assert names[:2] == ["pkg.inner.more.huber", "cub"]
    assert {"pkg.losses.huber", "rosen"} <= set(names)
    assert "f" not in names


@pytest.mark.parametrize(
    ("parameters", "inputs"),
    [("x=1.0, y=2.0", ("x",)), ("*terms", ("terms",)), ("x, *rest", ("x",)), ("*, mode=1", None)],
)
def test_every_function_that_is_listed_has_an_input(tmp_path, parameters, inputs):
    file = tmp_path / "m.py"
    file.write_text(f"def f({parameters}): ...\ndef f_grad({parameters}): ...\n", encoding="utf-8")
    assert {name: item.inputs for name, item in found(str(file)).items()} == ({"f": inputs} if inputs else {})


@pytest.mark.parametrize("parameters", ["ctx, x=None", "ctx, *x"])
def test_the_context_of_a_custom_function_is_none_of_its_inputs(tmp_path, parameters):
    file = tmp_path / "m.py"
    text = f"class F(Function):\n    def forward({parameters}): ...\n    def backward(ctx, g): ...\n"
    file.write_text(text, encoding="utf-8")
    assert found(str(file))["F.apply"].inputs == ("x",)


@pytest.mark.parametrize(
    ("parameters", "shown"),
    [
        ("x, delta=1.0", "{delta: 1.0}"),
        ("x, y, *, p=2, mode='no', wide=False", "{p: 2, mode: 'no', wide: false}"),
        ("x, weights=None, eps=1e-7, *, fill=make()", "{eps: 1.0e-07}"),
    ],
)
def test_options_are_shown_with_their_defaults(tmp_path, parameters, shown):
    file = tmp_path / "m.py"
    file.write_text(f"def f({parameters}): ...\ndef f_grad({parameters}): ...\n", encoding="utf-8")
    lines = starter.text(starter.discover(starter.locate(str(file))), path=".", source="test").splitlines()
    assert lines[-1] == f"    # kwargs: {shown}      # the defaults: audit others too"


@pytest.mark.parametrize("parameters", ["x", "x, y", "x, *, mode", "x, start=(0, 1)", "*rest"])
def test_a_function_without_plain_options_shows_none(tmp_path, parameters):
    file = tmp_path / "m.py"
    file.write_text(f"def f({parameters}): ...\ndef f_grad({parameters}): ...\n", encoding="utf-8")
    assert "kwargs" not in starter.text(starter.discover(starter.locate(str(file))), path=".", source="test")


def test_ops_over_variables_are_found_whatever_they_are_made_of(tmp_path):
    file = tmp_path / "m.py"
    file.write_text(
        "def forward(x, w, *, axis=0): ...\n"
        "swish = ga.primitive(lambda x: x, lambda x, cotangent: cotangent)\n"
        "layer = primitive(forward, forward_vjp)\n"
        "elsewhere = primitive(other.forward, other.vjp)\n"
        "autograds = primitive(forward)\n"
        "table['key'] = primitive(forward, forward)\n",
        encoding="utf-8",
    )
    found = starter.discover(starter.locate(str(file)))
    assert [(item.reference, item.inputs) for item in found if not item.claims] == [
        ("m:swish", ("x",)),
        ("m:layer", ("x", "w")),
    ]


def test_the_example_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.invoke(["init"]) == 0
    assert cli.invoke(["run", "suite.yaml", "-j", "1"]) == 0
    assert "1 of 1 passes" in capsys.readouterr().out


def test_nothing_is_written_over(package, capsys):
    Path("suite.yaml").write_text("mine\n")
    assert cli.invoke(["init", "pkg.losses"]) == 2
    assert "suite.yaml is there already" in capsys.readouterr().err
    assert Path("suite.yaml").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("word", "status", "said"),
    [
        ("pkg.loses", 2, "pkg.loses: no such module"),
        ("src/pkg/none.py", 2, "no such file"),
        ("broken.py", 2, "broken.py: cannot be read as Python"),
        ("empty.py", 4, "no function claims a derivative; a claim about f is called f_grad, grad_f"),
        ("math", 2, "math: no such module"),
    ],
)
def test_what_cannot_be_read_is_said(package, capsys, word, status, said):
    Path("broken.py").write_text("def f(:\n")
    Path("empty.py").write_text("def f(x): ...\n")
    assert cli.invoke(["init", word]) == status
    assert said in capsys.readouterr().err
    assert not Path("suite.yaml").exists()
