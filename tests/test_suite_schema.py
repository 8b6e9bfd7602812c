"""The suite file's models: the contract's examples fit, everything else is one clear sentence at its place."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from suite_text import HUBER, function, load, problems

from gradaudit.suite import json_schema
from gradaudit.suite.distributions import NAMES
from gradaudit.suite.messages import validate
from gradaudit.suite.nodes import compose
from gradaudit.suite.schema import SuiteKeys

CONTRACT = """\
version: 1
name: nightly
seed: 20261122
path: [../src]                            # importable in every worker
env: {JAX_ENABLE_X64: "1"}                # set before user modules are imported
include: [layers/*.yaml]
defaults:
  h: {from: 1e-1, to: 1e-9, per_decade: 1}   # or auto | 1e-4 | [1e-3, 1e-5]
  tolerance: {rtol: 1e-5, resolution: 1e-3}
  elements: all                           # all | {sample: 256} | {directions: 32} | auto
  timeout: 60s                            # 500ms, 30s, 10m, 1h or seconds
  tags: [nightly]
by_dtype:
  float32: {tolerance: {rtol: 2e-3}}
profiles:
  pr: {select: "tag:fast", elements: {directions: 8}, timeout: 10s}
functions:
  - name: huber
    function: mypkg.losses:huber
    gradient: mypkg.losses:huber_grad
    inputs:
      x: {shape: [n], normal: {mean: 0, std: 3}, avoid: {points: [-1, 1], margin: 1e-2}}
    kwargs: {delta: 1.0}
    matrix: {n: [1, 8, 33], dtype: [float32, float64], exclude: [{n: 33, dtype: float32}]}
    tags: [fast, loss]
    owner: "@optim-team"
  - name: matmul
    engine: torch                         # derivative: the framework's own backward
    function: mypkg.ops:MyMatmul.apply
    inputs: {a: {shape: [m, k]}, b: {shape: [k, n]}}
    matrix: {m: [1, 7], k: [3], n: [1, 5]}
    checks: [vjp, jvp, adjoint, hvp]
  - name: rosenbrock
    function: scipy.optimize:rosen
    gradient: scipy.optimize:rosen_der
    at:                                   # several named points
      start: {x: [-1.2, 1.0, 0.7]}
      optimum: {x: [1.0, 1.0, 1.0]}
  - name: heston
    function: mypkg.greeks:price
    gradient: mypkg.greeks:delta
    inputs:
      params: {file: data/heston.npz, key: theta0, bounds: [0, null]}
      rng: {value: 7, differentiate: false}
    expect: {status: fail, reason: "GH-412: Monte Carlo noise", until: 2027-01-31}
"""


def test_the_contracts_examples_fit_the_schema() -> None:
    for text in (HUBER, CONTRACT):
        keys, found = validate(compose(text, file="suite.yaml"), SuiteKeys)
        assert found == []
        assert keys is not None


def test_what_cannot_be_had_is_refused_at_its_place_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gradaudit.libraries.find_spec", lambda name: None)
    text = CONTRACT.replace("../src", ".").replace("include: [layers/*.yaml]\n", "").replace(": torch", ": jax")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "heston.npz").touch()
    assert problems(tmp_path, text, profile="pr") == [  # type: ignore[arg-type]
        "27:13: engine 'jax' needs JAX: pip install 'gradaudit[jax]'",
    ]


def test_an_unknown_key_is_reported_as_the_contract_says(tmp_path: Path) -> None:
    text = HUBER + "  - function: a:b\n    pionts: 3\n    inputs: {x: [1]}\n"
    assert problems(tmp_path, text) == ["8:5: unknown key 'pionts' in functions[1]; did you mean 'points'?"]


def test_a_key_that_stands_one_level_too_high_is_shown_where_it_belongs(tmp_path: Path) -> None:
    assert problems(tmp_path, HUBER + "    rtol: 1e-3\n    reason: known\n") == [
        "7:5: unknown key 'rtol' in functions[0]; write tolerance: {rtol: …}",
        "8:5: unknown key 'reason' in functions[0]; write expect: {reason: …}",
    ]


def test_a_key_of_another_level_is_sent_there(tmp_path: Path) -> None:
    text = HUBER.replace("shape", "seed: 1, shape") + "    seed: 3\n    dtype: float32\ndefaults: {kwargs: {a: 1}}\n"
    assert problems(tmp_path, text) == [
        "6:11: unknown key 'seed' in functions[0].inputs.x; it belongs at the top of the file",
        "7:5: unknown key 'seed' in functions[0]; it belongs at the top of the file",
        "8:5: unknown key 'dtype' in functions[0]; it belongs in one of 'inputs'",
        "9:12: unknown key 'kwargs' in defaults; it belongs in an item of 'functions'",
    ]


def test_inputs_that_are_not_indented_below_their_key_are_told_so(tmp_path: Path) -> None:
    text = "version: 1\nfunctions:\n  - function: m:f\n    gradient: m:g\n    inputs:\n    x: {shape: [3]}\n    y: 1\n"
    assert problems(tmp_path, text) == [
        "6:5: unknown key 'x' in functions[0]; if it belongs to 'inputs', which is empty, indent it further",
        "7:5: unknown key 'y' in functions[0]; if it belongs to 'inputs', which is empty, indent it further",
    ]


@pytest.mark.parametrize(
    ("theirs", "ours"), [("eps", "h"), ("tol", "tolerance"), ("jac", "jacobian"), ("xfail", "expect")]
)
def test_a_word_of_other_tools_leads_to_the_one_here(tmp_path: Path, theirs: str, ours: str) -> None:
    assert problems(tmp_path, HUBER + f"    {theirs}: 1\n") == [
        f"7:5: unknown key {theirs!r} in functions[0]; did you mean {ours!r}?"
    ]


def test_every_error_of_a_file_is_reported_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = (
        HUBER.replace("shape", "shap").replace("version: 1", "version: 2\nsed: 3") + "    timeout: 3 days\n    h: -1\n"
    )
    assert [problem.split(": ")[0] for problem in problems(tmp_path, text)] == ["1:10", "2:1", "7:11", "8:14", "9:8"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("h: 0", "8: a step must be greater than 0 and finite, got 0"),
        ("h: .inf", "8: a step must be greater than 0 and finite, got inf"),
        ("h: .nan", "8: a step must be greater than 0 and finite, got nan"),
        ("h: true", "8: True is not a step; allowed: auto, a number, a list of numbers, or {from, to, per_decade}"),
        ("h: small", "8: 'small' is not a step; allowed: auto, a number, a list of numbers, or {from, to, per_decade}"),
        ("h: []", "8: h is an empty list; allowed: auto, a number, a list of numbers, or {from, to, per_decade}"),
        ("h: [1e-3, 1e-3]", "15: step 0.001 stands in h twice"),
        ("h: [1e-3, -1]", "15: a step must be greater than 0 and finite, got -1"),
        ("h: {from: 1, to: 0}", "22: a step must be greater than 0 and finite, got 0"),
        ("h: {from: 1}", "8: missing key 'to' in h; allowed: {from: 1e-1, to: 1e-9, per_decade: 1}"),
        ("h: {from: 1, too: 2}", "18: unknown key 'too' in h; allowed: from, to, per_decade"),
        ("h: {from: 1, to: 1e-300, per_decade: 20}", "8: h has 6001 steps; allowed: at most 100"),
        ("timeout: 0s", "14: a time must be longer than 0 and finite, got '0s'"),
        ("timeout: 5d", "14: '5d' is not a time; allowed: 500ms, 30s, 10m, 1h, or a number of seconds"),
        ("extend: no", "13: functions[0].extend must be true or false, got 'no'"),
        (
            "method: cental",
            "13: functions[0].method must be 'auto' or 'central', got 'cental'; did you mean 'central'?",
        ),
        ("owner: 3", '12: functions[0].owner must be text, got 3; write "3"'),
        ("tags: fast", "11: functions[0].tags must be a list, got 'fast'; write [fast]"),
        (
            "tolerance: 1e-3",
            "16: functions[0].tolerance must be a mapping (key: value), got 0.001; write {rtol: 0.001}",
        ),
        ("expect: fail", "13: functions[0].expect must be a mapping (key: value), got 'fail'; write {status: fail}"),
        ("tolerance: {rtol: -1}", "23: functions[0].tolerance.rtol must be at least 0, got -1"),
        ("tolerance: {rtol: x}", "23: functions[0].tolerance.rtol must be a number, got 'x'"),
        ("tolerance: {atoll: 1}", "17: unknown key 'atoll' in functions[0].tolerance; did you mean 'atol'?"),
        ("elements: {sample: 0}", "24: sample must be a whole number greater than 0, got 0"),
        (
            "elements: some",
            "15: 'some' is not a choice of elements; allowed: all, {sample: 256}, {directions: 32}, auto",
        ),
        ("vjp: mypkg.losses.vjp", "10: 'mypkg.losses.vjp' is not a reference module:attribute; write mypkg.losses:vjp"),
        ("vjp: a:b c", "10: 'a:b c' is not a reference module:attribute, such as mypkg.losses:huber"),
        ("vjp: 3", "10: 3 is not a reference; allowed: module:attribute, such as mypkg.losses:huber"),
        ("matrix: {n: 3}", "17: axis 'n' must be a list of values, such as [1, 8, 33]"),
        ("matrix: {n: [[1]]}", "18: a value of axis 'n' must be a number, text, true, false or null"),
        ("matrix: {n: [1, 2, 1]}", "24: axis 'n' has the value 1 twice"),
        ("matrix: {n: [true, 'true']}", "24: axis 'n' has the value 'true' twice"),
        ("matrix: {dtype: [int8]}", "22: dtype 'int8' of matrix; allowed: bfloat16, float16, float32, float64"),
        ("matrix: {n: [1], exclude: [{m: 1}]}", "33: matrix has no axis 'm'; allowed: n"),
        ("matrix: {n: [1], exclude: [{n: 2}]}", "36: axis 'n' has no value 2"),
        ("matrix: {n: [1], exclude: [{n: 1.0}]}", "36: axis 'n' has no value 1.0"),
        ("matrix: {n: [1], exclude: [{n: true}]}", "36: axis 'n' has no value True"),
        ("expect: {status: fails}", "22: functions[0].expect.status must be"),
        ("expect: {status: fail, until: 2027-02-30}", "35: '2027-02-30' is not a date; allowed: year-month-day"),
        ("points: 0", "13: functions[0].points must be at least 1, got 0"),
        ("engine: mypkg.my engine", "13: unknown engine 'mypkg.my engine'; allowed: "),
        ("engine: nunba", "13: unknown engine 'nunba'; did you mean 'numba'? Or name a module of your own"),
        ("checks: [gradient, jacobean]", "24: unknown check 'jacobean'; did you mean 'jacobian'?"),
        ("kwargs: [1]", "13: functions[0].kwargs must be a mapping (key: value), got a list"),
        ('name: "a\\nb"', "11: name 'a\\nb': allowed: printable characters, at least one, no space at the ends"),
        ("at: {p: {y: [1]}}", "14: point 'p': no input 'y'; allowed: x"),
        ("at: {p: {x: {bounds: [0, 1]}}}", "14: point 'p': input 'x' has no values"),
    ],
)
def test_a_wrong_value_is_one_sentence_at_its_place(tmp_path: Path, line: str, expected: str) -> None:
    found = problems(tmp_path, function(line))
    assert len(found) == 1
    assert found[0].startswith(f"7:{expected}")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{shape: 8}", "a shape is a list such as [8] or [m, n]; [] is a single number; got 8"),
        ("{shape: [-1]}", "length -1 of a shape must be a whole number, 0 or more, or a symbol of matrix"),
        ("{shape: [1.5]}", "length 1.5 of a shape must be a whole number, 0 or more, or a symbol of matrix"),
        ("{values: [[1, 2], [3]]}", "ragged values: entry 1 has shape [1], entry 0 has [2]"),
        ("[1, [2]]", "ragged values: entry 1 has shape [1], entry 0 has []"),
        ("{values: [1, two]}", "'two' is not a number"),
        ("{shape: [2], values: [1, 2]}", "'shape' and 'values' are given; allowed: one of the sources"),
        ("{shape: [2], normal: {}, uniform: {}}", "'normal' and 'uniform' are given; allowed: one of the dist"),
        ("{values: [1], normal: {}}", "'normal' is for drawn values: it needs 'shape', not 'values'"),
        ("{normal: {}}", "'normal' needs a 'shape', such as shape: [8]"),
        ("{bounds: [0, 1]}", "input 'x' has no values; add one of shape, values, file, value"),
        ("{shape: [2], bounds: [1, 0]}", "bounds [1, 0]: low must be less than high"),
        ("{shape: [2], bounds: 3}", "bounds are two numbers [low, high], null for none; got 3"),
        ("{shape: [2], key: a}", "'key' names an array of a file; 'file' is missing"),
        ("{shape: [2], dtype: float46}", "unknown dtype 'float46'; allowed: bfloat16, float16, float32"),
        ("{shape: [2], dtype: complex256}", "unknown dtype 'complex256'; allowed: bfloat16"),
        ("{shape: [2], dtype: complex64, bounds: [0, 1]}", "'bounds' is for real numbers, not complex64"),
        ("{shape: [2], dtype: int32, differentiate: true}", "dtype int32 cannot be differentiated"),
        ("{shape: [2], integers: {high: 3}, differentiate: true}", "integers gives int64, which cannot be diff"),
        ("{value: abc, differentiate: true}", "'abc' cannot be differentiated"),
        ("{shape: [2], choice: []}", "choice needs a list of numbers: {of: [-1, 1]}"),
        ("{shape: [2], gamma: {}}", "missing key 'k' in functions[0].inputs.x.gamma"),
        ("{shape: [2], normal: {sd: 1}}", "unknown key 'sd' in functions[0].inputs.x.normal; did you mean 'std'?"),
        ("{shape: [2], avoid: {points: [], margin: 1}}", "functions[0].inputs.x.avoid.points is empty"),
        ("{shape: [2], avoid: {points: [0], margin: 0}}", "functions[0].inputs.x.avoid.margin must be greater than 0"),
        ("{shape: [2], structure: diagonal}", "functions[0].inputs.x.structure must be 'symmetric', 'positive_def"),
        ("{value: 2, structure: simplex}", "'structure' is for arrays: it needs 'shape', 'values' or 'file', not"),
        ("{shape: [2], structure: simplex, dtype: int8}", "structure 'simplex' needs real numbers, not int8"),
        ("{shape: [2], structure: simplex, integers: {high: 3}}", "structure 'simplex' needs real numbers, not int64"),
        ("{file: missing.npy}", "no file 'missing.npy' beside "),
        ("{file: data.pkl}", "'data.pkl' is not an array file; allowed: .npy, .npz, .csv, .txt"),
        ("text", "functions[0].inputs.x must be a mapping (key: value), got 'text'"),
    ],
)
def test_a_wrong_input_is_one_sentence(tmp_path: Path, written: str, expected: str) -> None:
    found = problems(tmp_path, HUBER.replace("{shape: [8]}", written))
    assert len(found) == 1
    line, _, message = found[0].split(":", 2)
    assert line == "6"
    assert message.strip().startswith(expected)


@pytest.mark.parametrize(
    ("given", "point", "expected"),
    [
        ("dtype: complex128", "values: [1], bounds: [0, 2]", "'bounds' is for real numbers, not complex128"),
        ("dtype: float32", "tree: {w: 1.0}", "'dtype' is for arrays; say it of the inputs below 'tree'"),
        ("differentiate: false", "items: [1.0]", "'differentiate' is for arrays; say it of the inputs below 'items'"),
        ("differentiate: true", "values: [1], dtype: int64", "dtype int64 cannot be differentiated"),
        ("structure: simplex", "value: 1", "'structure' is for arrays"),
    ],
)
def test_a_point_that_does_not_go_together_with_its_input_is_refused(
    tmp_path: Path, given: str, point: str, expected: str
) -> None:
    text = HUBER.replace("{shape: [8]}", f"{{{given}}}") + f"    at: {{here: {{x: {{{point}}}}}}}\n"
    (found,) = problems(tmp_path, text)
    place, _, message = found.partition(": ")
    assert place.startswith("7:")
    assert message.startswith(f"point 'here' and 'inputs': {expected}")


@pytest.mark.parametrize("written", ["500ms", "30s", "1.5m", "1h", "2", "0.25", "10 s"])
def test_a_time_has_a_unit_or_is_in_seconds(tmp_path: Path, written: str) -> None:
    expected = {"500ms": 0.5, "30s": 30.0, "1.5m": 90.0, "1h": 3600.0, "2": 2.0, "0.25": 0.25, "10 s": 10.0}
    suite = load(tmp_path, function(f"timeout: {written}"))
    assert suite.entries[0].settings()["timeout"].value == expected[written]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("auto", None),
        ("1e-4", (1e-4,)),
        ("[1.0e-3, 1e-5]", (1e-3, 1e-5)),
        ("{from: 1e-1, to: 1e-4}", (1e-1, 1e-2, 1e-3, 1e-4)),
        ("{from: 1e-4, to: 1e-3, per_decade: 2}", (1e-4, 0.000316227766016838, 1e-3)),
        ("{from: 1e-1, to: 5e-3}", (1e-1, 1e-2)),
    ],
)
def test_steps_may_be_written_in_four_ways(tmp_path: Path, written: str, expected: object) -> None:
    assert load(tmp_path, function(f"h: {written}")).entries[0].settings()["h"].value == expected


def test_a_number_or_list_in_place_of_an_input_is_its_values(tmp_path: Path) -> None:
    suite = load(tmp_path, HUBER.replace("{shape: [8]}", "[[1, 2], [3, 4]]"))
    fields = suite.entries[0].keys.inputs or {}
    assert fields["x"].values == ((1, 2), (3, 4))


def test_a_message_never_holds_control_characters(tmp_path: Path) -> None:
    name, unknown = problems(tmp_path, HUBER.replace("x: {", '"\\e[2J": {bogus: 1, '))
    assert name == "6:7: name '\\x1b[2J': allowed: printable characters, at least one, no space at the ends"
    assert unknown.isprintable()


def test_the_json_schema_is_json_and_describes_every_key() -> None:
    schema = json.loads(json.dumps(json_schema()))
    function_keys = schema["$defs"]["FunctionKeys"]["properties"]
    assert {"function", "gradient", "inputs", "at", "h", "timeout", "matrix", "expect"} <= function_keys.keys()
    assert all("description" in key for key in function_keys.values())
    assert function_keys["timeout"]["description"].startswith("Time limit of a case")  # inherited
    assert "Dirichlet" in schema["$defs"]["InputKeys"]["properties"]["structure"]["description"]  # over two lines
    assert set(NAMES) <= schema["$defs"]["InputKeys"]["properties"].keys()
    assert schema["additionalProperties"] is False
    assert function_keys["elements"]["default"] == "all"


def test_the_json_schema_lets_an_input_be_written_short_and_long() -> None:
    schema = json_schema()["$defs"]["FunctionKeys"]["properties"]
    inputs = next(o for o in schema["inputs"]["anyOf"] if o.get("type") == "object")
    points = next(o for o in schema["at"]["anyOf"] if o.get("type") == "object")
    for field in (inputs["additionalProperties"], points["additionalProperties"]["additionalProperties"]):
        assert {"type": ["number", "array"]} in field["anyOf"]


@pytest.mark.parametrize(
    "lines",
    [
        'timeout: " 60s "',
        "timeout: 1.5 m",
        "timeout: 2 weeks",
        "timeout: 60.0.0s",
        "expect: {status: fail, until: 2999-01-31}",
        "expect: {status: fail, until: 2999-W04-4}",
        "expect: {status: fail, until: 29990131}",
    ],
)
def test_an_editor_says_of_times_and_dates_what_validate_says(tmp_path: Path, lines: str) -> None:
    document = compose(function(lines), file="suite.yaml").root.plain()
    assert Draft202012Validator(json_schema()).is_valid(document) == (problems(tmp_path, function(lines)) == [])


def test_a_parameter_that_is_required_has_no_default_in_the_schema():
    """Up to pydantic 2.10 fields of one type share what is written of it, defaults too."""
    definitions = json_schema()["$defs"]
    both = {
        (title, name)
        for title, of in definitions.items()
        for name in of.get("required", ())
        if "default" in of["properties"][name]
    }
    assert both == set()
    assert definitions["LogUniform"]["required"] == ["low", "high"]
