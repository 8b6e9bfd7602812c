"""Dicts, lists and tuples of arrays: as inputs and outputs, from Python and in a suite, leaf by leaf."""

from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

import gradaudit as ga
from gradaudit.auditor import audit_case
from gradaudit.engines._trees import Layout, Tree, WrongForm
from gradaudit.plan import make_plan
from gradaudit.suite import SuiteError, load_suite
from gradaudit.suite.schema import json_schema

Pair = namedtuple("Pair", "mean spread")
X, W, B = np.array([0.5, -1.0, 2.0]), np.array([[1.0, 2.0, -1.0], [0.3, -0.2, 0.7]]), np.array([0.1, -0.4])


def dense(params, x):
    return np.tanh(params["w"] @ x + params["b"])


def loss(params, x):
    return float((dense(params, x) ** 2).sum())


def loss_gradient(params, x):
    y = dense(params, x)
    slope = 2 * y * (1 - y**2)
    return {"w": np.outer(slope, x), "b": slope}, params["w"].T @ slope


def wrong_in_one_leaf(params, x):
    of_params, of_x = loss_gradient(params, x)
    of_params["b"][1] *= 1.01
    return of_params, of_x


def dense_jvp(params, x, of_params, of_x):
    y = dense(params, x)
    return (1 - y**2) * (of_params["w"] @ x + params["w"] @ of_x + of_params["b"])


@pytest.mark.parametrize(
    "value",
    [{"a": 1, "b": [2, (3, 4)]}, [1, 2], (1,), Pair(1, {"x": 2}), {}, [[], 5]],
)
def test_what_is_taken_apart_is_built_again_equal_and_of_the_same_types(value):
    tree = Tree.of(value)
    rebuilt = tree.build(iter(list(tree.leaves(value, "value"))))
    assert rebuilt == value
    assert type(rebuilt) is type(value)


def test_leaves_are_called_by_their_keys_indices_and_fields():
    value = {"w": 1, "layers": [2, (3,)], "pair": Pair(4, 5)}
    names = list(Tree.of(value).names("params"))
    assert names == ["params.w", "params.layers.0", "params.layers.1.0", "params.pair.mean", "params.pair.spread"]


def test_leaves_are_found_by_key_not_by_order():
    assert list(Tree.of({"a": 0, "b": 0}).leaves({"b": 2, "a": 1}, "value")) == [1, 2]


@pytest.mark.parametrize("value", [3, [1, 2], {"a": 1}, {"a": 1, "b": 2, "c": 3}, {"a": 1, "c": 2}, None])
def test_another_form_is_refused_with_both_forms(value):
    with pytest.raises(WrongForm, match="allowed: a dict of 'a', 'b'"):
        list(Tree.of({"a": 0, "b": 0}).leaves(value, "it"))


def test_routes_lead_to_every_leaf():
    layout = Layout.of_routes(((0, "w"), (0, "layers", 0), (0, "layers", 1), (1,), (2, 0, "a")))
    assert layout.arranged([1, 2, 3, 4, 5]) == [{"w": 1, "layers": [2, 3]}, 4, [{"a": 5}]]
    assert layout.size == 5


def test_a_gradient_in_the_form_of_its_inputs_passes():
    assert ga.audit(loss, {"w": W, "b": B}, X, gradient=loss_gradient).status == "pass"


def test_a_wrong_element_of_a_leaf_is_named_by_its_path():
    verdict = ga.audit(loss, {"w": W, "b": B}, X, gradient=wrong_in_one_leaf)
    assert verdict.status == "fail"
    assert "d out/d x0.b[1]" in verdict.message
    assert [e.input for e in verdict.elements if e.status == "fail"] == ["x0.b[1]"]


def test_tangents_arrive_in_the_form_of_the_inputs():
    assert ga.audit(dense, {"w": W, "b": B}, X, jvp=dense_jvp).status == "pass"


def test_a_gradient_of_another_form_fails_with_both_forms():
    verdict = ga.audit(loss, {"w": W, "b": B}, X, gradient=lambda p, x: (W, X))
    assert (verdict.status, verdict.diagnosis) == ("fail", "shape mismatch")
    assert "what gradient returned is ndarray; allowed: a dict of 'w', 'b'" in verdict.message
    verdict = ga.audit(loss, {"w": W, "b": B}, X, gradient=lambda p, x: p)
    assert "gradient returned 1 value for 2 differentiated inputs" in verdict.message


def test_integers_in_a_container_do_not_move_and_their_place_in_a_gradient_is_not_read():
    def picked(batch):
        return float((batch["x"][batch["rows"]] ** 2).sum())

    def gradient(batch):
        d = np.zeros_like(batch["x"])
        np.add.at(d, batch["rows"], 2 * batch["x"][batch["rows"]])
        return {"x": d, "rows": None}

    rows = np.array([0, 0, 2])
    assert ga.audit(picked, {"x": X, "rows": rows}, gradient=gradient).status == "pass"
    verdict = ga.audit(picked, {"x": X, "rows": rows}, gradient=lambda b: {"x": 2 * b["x"], "rows": None})
    assert {e.input for e in verdict.elements if e.status == "fail"} == {"x.x[0]", "x.x[1]"}


def test_named_tuples_arrive_as_what_they_are():
    verdict = ga.audit(
        lambda p: float((p.mean * p.spread).sum()), Pair(X, 2 * X), gradient=lambda p: Pair(p.spread, p.mean)
    )
    assert verdict.status == "pass"
    wrong = ga.audit(lambda p: float((p.mean * p.spread).sum()), Pair(X, 2 * X), gradient=lambda p: p)
    assert {e.input.partition("[")[0] for e in wrong.elements} == {"x.mean", "x.spread"}


def test_a_list_of_numbers_is_still_an_array_and_a_tuple_of_numbers_still_a_constant():
    verdict = ga.audit(lambda x, shape: x.reshape(shape).sum(), [1.0, 2.0], (2, 1), gradient=lambda x, shape: 0 * x + 1)
    assert verdict.status == "pass"


def state(x):
    return {"loss": float((x**2).sum()), "parts": [np.sin(x), (x[0], x[1])]}


def state_vjp(x, cotangent):
    d = 2 * x * cotangent["loss"] + np.cos(x) * cotangent["parts"][0]
    d[0] += cotangent["parts"][1][0]
    d[1] += cotangent["parts"][1][1]
    return d


def state_jvp(x, v):
    return {"parts": [np.cos(x) * v, (v[0], 1.5 * v[1])], "loss": 2 * x @ v}


def test_outputs_may_be_containers_and_a_cotangent_has_their_form():
    assert ga.audit(state, X, vjp=state_vjp).status == "pass"


def test_a_wrong_output_is_named_by_its_path():
    verdict = ga.audit(state, X, jvp=state_jvp)
    assert {e.output for e in verdict.elements if e.status == "fail"} == {"out.parts.1.1"}


def test_a_tangent_without_one_of_the_outputs_fails():
    verdict = ga.audit(state, X, jvp=lambda x, v: {"loss": 2 * x @ v})
    assert (verdict.status, verdict.diagnosis) == ("fail", "shape mismatch")
    assert "jvp returned 1 array for 4 outputs" in verdict.message


def test_none_among_outputs_holds_nothing_and_the_leaves_that_are_there_are_audited():
    def vjp(x, cotangent):
        assert cotangent[0] is None
        return np.cos(x) * cotangent[1]["y"]

    def outputs(x):
        return None, {"y": np.sin(x), "z": None}

    assert ga.audit(outputs, X, vjp=vjp).status == "pass"
    verdict = ga.audit(outputs, X, jvp=lambda x, v: (None, {"y": 1.01 * np.cos(x) * v, "z": None}))
    assert verdict.status == "fail"
    assert {element.output for element in verdict.elements if element.status == "fail"} == {
        f"out.1.y[{k}]" for k in range(3)
    }


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (None, "returned None;"),
        (None, "does it lack a return?"),
        ((None, None), "returned a tuple that holds nothing;"),
    ],
)
def test_a_function_that_gives_nothing_but_none_fails(output, said):
    verdict = ga.audit(lambda x: output, X, gradient=lambda x: x)
    assert (verdict.status, verdict.diagnosis) == ("fail", "dtype mismatch")
    assert said in verdict.message


def test_none_in_an_input_has_no_gradient_and_what_stands_in_its_place_is_not_read():
    def norm(params):
        return float((params["w"] ** 2).sum())

    for nothing in (None, 0.0):
        claim = ga.audit(norm, {"w": W, "b": None}, gradient=lambda p, b=nothing: {"w": 2 * p["w"], "b": b})
        assert claim.status == "pass"
    assert ga.audit(norm, {"w": W, "b": None}, gradient=lambda p: {"w": None, "b": None}).status == "fail"


def test_two_tangents_for_one_output_fail_by_their_number():
    verdict = ga.audit(lambda x: (np.sin(x),), X, jvp=lambda x, v: (np.cos(x) * v, v))
    assert (verdict.status, verdict.diagnosis) == ("fail", "shape mismatch")
    assert "jvp returned 2 arrays for 1 output" in verdict.message


SUITE = """\
version: 1
path: ["{folder}"]
functions:
  - function: test_containers:loss
    gradient: test_containers:{claim}
    inputs:
      params: {{tree: {{w: {{shape: [2, n]}}, b: {{shape: [2]}}}}}}
      x: {{shape: [n]}}
    matrix: {{n: [3]}}
"""


def planned(tmp_path, claim):
    (tmp_path / "suite.yaml").write_text(SUITE.format(folder=Path(__file__).parent, claim=claim))
    return make_plan(load_suite([tmp_path / "suite.yaml"], environment={}))


def test_a_suite_describes_a_container_by_its_leaves(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    (case,) = planned(tmp_path, "loss_gradient")
    assert [(given.name, given.route) for given in case.inputs] == [
        ("params.w", (0, "w")),
        ("params.b", (0, "b")),
        ("x", ()),
    ]
    assert case.target.routes == ((0, "w"), (0, "b"), (1,))
    assert audit_case(case).status == "pass"
    (case,) = planned(tmp_path, "wrong_in_one_leaf")
    assert "params.b[1]" in audit_case(case).message


def test_trees_and_items_nest_and_a_point_may_give_one(tmp_path):
    (tmp_path / "suite.yaml").write_text(
        "version: 1\nfunctions:\n  - function: m:f\n    gradient: m:g\n"
        "    inputs: {layers: {items: [{tree: {w: {shape: [2]}}}, {tree: {w: {shape: [3]}}}]}, x: {shape: [1]}}\n"
        "    at: {zero: {layers: {items: [{tree: {w: [0, 0]}}, [1]]}, x: [2]}}\n"
    )
    (case,) = make_plan(load_suite([tmp_path / "suite.yaml"], environment={}))
    assert [given.name for given in case.inputs] == ["layers.0.w", "layers.1", "x"]
    assert case.target.routes == ((0, 0, "w"), (0, 1), (1,))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("{tree: {}}", "functions[0].inputs.params.tree is empty; allowed: at least 1"),
        ("{tree: {w: {bounds: [0, 1]}}}", "part 'w' has no values; add one of shape, values, file, value"),
        ("{tree: {w: [1]}, shape: [3]}", "'shape' and 'tree' are given; allowed: one of the sources"),
        ("{tree: {w: [1]}, dtype: float32}", "'dtype' is for arrays; say it of the inputs below 'tree'"),
        ("{tree: {w: {shap: [1]}}}", "unknown key 'shap' in functions[0].inputs.params.tree.w; did you mean 'shape'?"),
        ("{tree: {w: {file: none.npy}}}", "no file 'none.npy'"),
        ("{items: [{shape: [q]}]}", "q"),
    ],
)
def test_a_mistake_inside_a_container_is_reported_at_its_place(tmp_path, params, message):
    (tmp_path / "suite.yaml").write_text(
        f"version: 1\nfunctions:\n  - function: m:f\n    gradient: m:g\n    inputs: {{params: {params}}}\n"
    )
    with pytest.raises(SuiteError) as caught:
        make_plan(load_suite([tmp_path / "suite.yaml"], environment={}))
    assert message in str(caught.value)
    assert {problem.place.line for problem in caught.value.problems} == {5}


def test_the_schema_for_editors_knows_the_short_form_inside_containers():
    properties = json_schema()["$defs"]["InputKeys"]["properties"]
    assert properties["tree"]["anyOf"][0]["additionalProperties"] == properties["items"]["anyOf"][0]["items"]
    assert {"type": ["number", "array"]} in properties["items"]["anyOf"][0]["items"]["anyOf"]


def popping(params, x):
    return loss({"w": params["w"], "b": params.pop("b")}, x)


def normalising(params, x):
    params["w"] = params["w"] / 1.0
    return loss(params, x)


def adding(params, x):
    params["norm"] = float(x @ x)
    return loss(params, x)


def emptying(params, x):
    claimed = loss_gradient(params, x)
    params.clear()
    return claimed


@pytest.mark.parametrize("function", [popping, normalising, adding])
def test_a_function_that_leaves_other_things_in_a_container_than_it_was_given_changed_its_input(function):
    verdict = ga.audit(function, {"w": W, "b": B}, X, gradient=loss_gradient)
    assert (verdict.status, verdict.diagnosis) == ("fail", "input mutated")
    assert "the function changed its argument 1, a dict of 'w', 'b'; work on a copy of it" in verdict.message


def test_a_claim_that_empties_a_container_changed_its_input():
    verdict = ga.audit(loss, {"w": W, "b": B}, X, gradient=emptying)
    assert (verdict.status, verdict.diagnosis) == ("fail", "input mutated")
    assert "gradient changed its argument 1, a dict of 'w', 'b'" in verdict.message
