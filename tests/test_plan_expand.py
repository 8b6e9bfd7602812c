"""From a Suite to Cases: matrix, points, ids, settings, checks and selection."""

import random
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from suite_text import HUBER, function, load, write

from gradaudit.plan import Selection, make_plan, show_config
from gradaudit.plan.case import (
    TIMEOUT,
    Avoid,
    Case,
    Drawn,
    Expectation,
    Given,
    Input,
    Settings,
    Stored,
    Target,
    Tolerance,
)
from gradaudit.plan.draw import draw_inputs
from gradaudit.suite import SuiteError, load_suite


def plan(folder: Path, text: str, **options: object) -> tuple[Case, ...]:
    return make_plan(load(folder, text, **options))  # type: ignore[arg-type]


def refusals(folder: Path, text: str) -> list[str]:
    with pytest.raises(SuiteError) as caught:
        plan(folder, text)
    return [f"{p.place.line}:{p.place.column}: {p.message}" for p in caught.value.problems]


def ids(cases: tuple[Case, ...]) -> list[str]:
    return [case.id for case in cases]


def suite(*items: str) -> str:
    return "version: 1\nfunctions:\n" + "".join(f"  - {{{item}}}\n" for item in items)


def item(more: str = "", *, inputs: str = "{x: {shape: [2]}}") -> str:
    return f"function: m:f, gradient: m:g, inputs: {inputs}{more and ', ' + more}"


def test_the_contracts_short_example_is_one_case(tmp_path: Path) -> None:
    (case,) = plan(tmp_path, HUBER + "    h: [1.0e-3, 1.0e-4, 1.0e-5]\n")
    assert case == Case(
        id="huber",
        name="huber",
        target=Target("mypkg.losses:huber", (("gradient", "mypkg.losses:huber_grad"),)),
        inputs=(Input("x", Drawn((8,))),),
        checks=("gradient",),
        settings=Settings(h=(1e-3, 1e-4, 1e-5)),
        place=f"{tmp_path}/suite.yaml:3:5",
        suite=f"{tmp_path}/suite.yaml",
    )


def test_a_full_item_reaches_the_case_whole(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones(2))
    text = """\
version: 1
seed: 3
path: [.]
env: {A: "1"}
functions:
  - name: a/b.c
    function: m:f.g
    value_and_gradient: m:vg
    engine: python
    inputs:
      x: {shape: [n, 2*n], normal: {std: 3}, avoid: {points: [-1, 1], margin: 1e-2}, bounds: [-9, null]}
      y: {file: a.npy}
      k: {value: [1, a], differentiate: false}
      i: {shape: [n], integers: {high: n}}
    kwargs: {delta: 1.0, axis: $axis}
    matrix: {n: [2], axis: [-1]}
    h: 1e-4
    method: central
    extend: false
    kinks: accept
    elements: {sample: 5}
    tolerance: {rtol: 1e-3}
    timeout: 1m
    tags: [fast]
    owner: me
    was: old
    expect: {status: fail, reason: why, until: 2027-01-31}
"""
    (case,) = plan(tmp_path, text)
    normal = (("mean", 0.0), ("std", 3))
    x = Input("x", Drawn((2, 4), "normal", normal), bounds=(-9.0, None), avoid=Avoid((-1.0, 1.0), 1e-2))
    assert case == Case(
        id="a/b.c[n=2,axis=-1]",
        name="a/b.c",
        target=Target("m:f.g", (("value_and_gradient", "m:vg"),), "python", (("delta", 1.0), ("axis", -1)), (2, 3)),
        inputs=(
            x,
            Input("y", Stored(str(tmp_path / "a.npy"))),
            Input("k", Given([1, "a"]), differentiate=False),
            Input("i", Drawn((2,), "integers", (("low", 0), ("high", 2))), dtype="int64", differentiate=False),
        ),
        checks=("gradient", "primal"),
        settings=Settings(
            (1e-4,), Tolerance(1e-3, None, 0.0), 5, method="central", extend=False, kinks="accept", timeout=60.0
        ),
        seed=3,
        axes=(("n", 2), ("axis", -1)),
        tags=("fast",),
        owner="me",
        expect=Expectation("fail", "why", date(2027, 1, 31)),
        place=f"{tmp_path}/suite.yaml:6:5",
        suite=f"{tmp_path}/suite.yaml",
        path=(str(tmp_path),),
        env=(("A", "1"),),
        was=("old[n=2,axis=-1]",),
    )


def test_ids_follow_the_order_written_and_exclude_leaves_combinations_out(tmp_path: Path) -> None:
    matrix = "matrix: {n: [1, 2], dtype: [float32, float64], exclude: [{n: 2, dtype: float32}]}"
    cases = plan(tmp_path, suite(item(matrix, inputs="{x: {shape: [n]}}")))
    assert ids(cases) == ["f[n=1,dtype=float32]", "f[n=1,dtype=float64]", "f[n=2,dtype=float64]"]
    assert [case.inputs[0].dtype for case in cases] == ["float32", "float64", "float64"]


def test_exclude_tells_true_from_one(tmp_path: Path) -> None:
    cases = plan(tmp_path, suite(item("matrix: {k: [1, true], exclude: [{k: 1}]}")))
    assert ids(cases) == ["f[k=true]"]


def test_values_of_axes_are_written_as_in_yaml(tmp_path: Path) -> None:
    cases = plan(tmp_path, suite(item("matrix: {a: [true, null, 0.5, 1e-10, text]}")))
    assert ids(cases) == ["f[a=true]", "f[a=null]", "f[a=0.5]", "f[a=1e-10]", "f[a=text]"]


def test_an_axis_dtype_is_for_floating_inputs_that_do_not_say_otherwise(tmp_path: Path) -> None:
    discrete = "c: {shape: [2], integers: {high: 3}}"
    inputs = f"{{a: [1.0], b: {{shape: [2], dtype: float64}}, {discrete}, d: {{value: 2}}, e: {{value: z}}}}"
    (case,) = plan(tmp_path, suite(item("matrix: {dtype: [float32]}", inputs=inputs)))
    assert [i.dtype for i in case.inputs] == ["float32", "float64", "int64", "float32", None]
    assert [i.differentiate for i in case.inputs] == [True, True, False, True, False]


def test_by_dtype_goes_by_the_narrowest_differentiated_input(tmp_path: Path) -> None:
    text = suite(
        item("name: both", inputs="{a: [1.0], b: {shape: [2], dtype: float32}}"),
        item("name: wide", inputs="{a: [1.0], b: {shape: [2], dtype: float32, differentiate: false}}"),
    )
    cases = plan(tmp_path, text + "by_dtype: {float32: {timeout: 7}}\n")
    assert [case.settings.timeout for case in cases] == [7.0, None]


def test_points_give_values_to_inputs_whose_rest_stands_in_inputs(tmp_path: Path) -> None:
    more = "at: {start: {x: [1, 2]}, end: {x: {values: [3, 4], bounds: [0, 9]}}}"
    start, end = plan(tmp_path, suite(item(more, inputs="{x: {dtype: float32, bounds: [0, 5]}, y: [7]}")))
    assert (start.id, end.id) == ("f@start", "f@end")
    assert (start.point, end.point) == ("start", "end")
    assert start.inputs[0] == Input("x", Given((1, 2)), "float32", bounds=(0.0, 5.0))
    assert end.inputs == (Input("x", Given((3, 4)), "float32", bounds=(0.0, 9.0)), Input("y", Given((7,))))


def test_all_points_are_called_in_the_order_of_the_first(tmp_path: Path) -> None:
    text = suite("function: m:f, gradient: m:g, at: {p: {a: [1], b: [2]}, q: {b: [4], a: [3]}}")
    named = [[(given.name, given.source) for given in case.inputs] for case in plan(tmp_path, text)]
    assert named == [[("a", Given((1,))), ("b", Given((2,)))], [("a", Given((3,))), ("b", Given((4,)))]]


def test_a_parameter_beyond_every_float_is_refused_at_its_place(tmp_path: Path) -> None:
    inputs = "{x: {shape: [2], normal: {std: n*n}}}"
    (found,) = refusals(tmp_path, suite(item("matrix: {n: [1" + "0" * 200 + "]}", inputs=inputs)))
    assert found == "3:69: 'n*n': int too large to convert to float"


def test_a_structure_reaches_the_case_with_the_usual_distribution_of_its_values(tmp_path: Path) -> None:
    inputs = "{a: {shape: [n, n], structure: symmetric}, p: {shape: [n], structure: simplex}, q: {structure: simplex}}"
    text = suite(item("matrix: {n: [3]}, at: {here: {q: [0.5, 0.5]}}", inputs=inputs))
    (case,) = plan(tmp_path, text)
    assert case.inputs == (
        Input("a", Drawn((3, 3)), structure="symmetric"),
        Input("p", Drawn((3,), "gamma", (("k", 2.0), ("scale", 1.0))), structure="simplex"),
        Input("q", Given((0.5, 0.5)), structure="simplex"),
    )


def test_drawn_points_are_one_case_of_each_combination(tmp_path: Path) -> None:
    cases = plan(tmp_path, suite(item("points: 3, matrix: {k: [1, 2]}")))
    assert [(case.id, case.points) for case in cases] == [("f[k=1]", 3), ("f[k=2]", 3)]
    rows = show_config(load(tmp_path, suite(item("points: 3"))), "f")
    assert ("points", 3, f"functions[0] ({tmp_path}/suite.yaml:3:5)") in rows
    (free,) = plan(tmp_path, suite(item("points: 1", inputs="{x: [1]}")))
    assert free.points == 1


def test_points_and_matrix_multiply(tmp_path: Path) -> None:
    text = suite("function: m:f, gradient: m:g, at: {p: {x: [1]}, q: {x: [2]}}, matrix: {k: [1, 2]}")
    assert ids(plan(tmp_path, text)) == ["f[k=1]@p", "f[k=1]@q", "f[k=2]@p", "f[k=2]@q"]


def test_equal_ids_name_both_places(tmp_path: Path) -> None:
    found = refusals(tmp_path, suite(item(), item("tags: [other]")))
    assert found == [f"4:5: id 'f' is taken by {tmp_path}/suite.yaml:3:5; give one of them another 'name'"]


def test_a_file_that_is_read_twice_is_named_as_the_reason(tmp_path: Path) -> None:
    path = write(tmp_path, HUBER)
    with pytest.raises(SuiteError, match="id 'huber' is made twice here; is the file named or included twice"):
        make_plan(load_suite([path, path], environment={}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (item(inputs="{x: {shape: [n]}}"), "3:56: unknown symbol 'n': matrix has no such axis; add it"),
        (
            item(inputs="{x: {shape: [2, 3], structure: symmetric}}"),
            "3:75: structure 'symmetric' needs two last axes of",
        ),
        (
            item(inputs="{x: {shape: [2], structure: positive_definite}}"),
            "3:72: structure 'positive_definite' needs two",
        ),
        (item(inputs="{x: {shape: [2, 1], structure: simplex}}"), "3:75: structure 'simplex' needs a last axis of at"),
        (
            item(inputs="{x: {shape: [2], laplace: {}, structure: simplex}}"),
            "3:85: structure 'simplex' needs draws of 0 or more, and laplace gives negative ones too; use gamma,",
        ),
        (
            item(inputs="{x: {shape: [2], structure: simplex, avoid: {points: [0], margin: 1}}}"),
            "3:72: 'avoid' draws single elements again, which no structure survives; remove one of the two",
        ),
        (item("points: 2", inputs="{x: [1]}"), "3:62: all 2 points would be the same, for no input is drawn; give one"),
        (
            item("points: 2, at: {p: {x: [1]}}", inputs="{x: {shape: [2]}}"),
            "3:63: 'points' draws points and 'at' names them; keep one of the two",
        ),
        (item("matrix: {m: [1]}", inputs="{x: {shape: [n]}}"), "3:56: unknown symbol 'n': matrix has no such axis; al"),
        (item("kwargs: {a: $k}"), "3:75: unknown symbol 'k'"),
        (item(inputs="{x: {shape: [2], normal: {std: -1}}}"), "3:69: normal: std must be 0 or more, got -1"),
        (item(inputs="{x: {shape: [2], uniform: {low: 2, high: 1}}}"), "3:70: uniform: low must be less than high"),
        (item(inputs="{x: {shape: [2], beta: {a: 0, b: 1}}}"), "3:67: beta: a must be greater than 0, got 0"),
        (item(inputs="{x: {shape: [2], normal: {mean: .nan}}}"), "3:69: normal: mean must be finite, got nan"),
        (item(inputs="{x: {shape: [2], dtype: int32}}"), "3:68: dtype int32 needs a distribution"),
        (item(inputs="{x: {value: a}}"), "3:44: no input is differentiated"),
        (item("method: central, extend: false"), "3:71: method: central needs exactly one h, got auto; write h: 1e-4"),
        (item("method: central, h: 1e-3"), "3:71: method: central goes by the given h alone; write extend: false"),
        (
            item("method: central, h: 1e-3, extend: false, elements: auto"),
            "3:71: method: central has no error bars to certify with; write elements: all, or leave method out",
        ),
        (item("tolerance: {rtol: 1e-2, resolution: 1e-3}"), "3:99: resolution 0.001 is not above rtol 0.01, so that"),
        (item("checks: [vjp]"), "3:71: check 'vjp' needs a claim 'vjp'; 'f' claims 'gradient'"),
        (item("checks: [adjoint]"), "3:71: check 'adjoint' needs claims 'jvp' and 'vjp'; 'f' claims 'gradient'"),
        (item("checks: []"), "3:71: 'checks' is empty; leave it out, and the claims decide"),
        ("function: m:f, hessian: m:h, inputs: {x: [1]}", "3:30: 'hessian' is checked against differences of the grad"),
        ("function: m:f, vjp: m:v, hvp: m:h, inputs: {x: [1]}", "3:36: 'hvp' is checked against differences of the"),
        ("function: m:f, engine: python, inputs: {x: [1]}", "3:5: engine 'python' needs a claimed derivative; add one"),
    ],
)
def test_an_item_that_makes_no_case_is_refused_at_its_place(tmp_path: Path, text: str, expected: str) -> None:
    (found,) = refusals(tmp_path, suite(text))
    assert found.startswith(expected)


def test_all_items_are_refused_at_once_and_each_problem_once(tmp_path: Path) -> None:
    text = suite(item("name: a, matrix: {m: [1, 2]}", inputs="{x: {shape: [n]}}"), item("method: central"))
    assert [line.split(": ")[0] for line in refusals(tmp_path, text)] == ["3:56", "4:71", "4:71"]


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ("gradient: m:a", ("gradient",)),
        ("value_and_gradient: m:a", ("gradient", "primal")),
        ("gradient: m:a, value_and_gradient: m:b", ("gradient", "primal")),
        ("vjp: m:a, jvp: m:b", ("vjp", "jvp", "adjoint")),
        ("vjp: m:a, checks: [linearity, repeat, taylor, batch]", ("linearity", "repeat", "taylor", "batch")),
        ("engine: tape, vjp: m:a, checks: [jvp]", ("jvp",)),
        ("jacobian: m:a", ("jacobian",)),
        ("gradient: m:a, hessian: m:b, hvp: m:c", ("gradient", "hessian", "hvp")),
        ("engine: tape", ("vjp",)),
        ("tags: [chosen-when-it-is-loaded]", ("vjp",)),
        ("gradient: m:a, vjp: m:b, checks: [vjp, vjp]", ("vjp",)),
    ],
)
def test_checks_follow_the_claims_unless_the_suite_says_them(
    tmp_path: Path, claims: str, expected: tuple[str, ...]
) -> None:
    (case,) = plan(tmp_path, suite(f"function: m:f, {claims}, inputs: {{x: [1.0]}}"))
    assert case.checks == expected


FOUR = suite(
    item("name: a, tags: [fast]"), item("name: b, tags: [fast, slow]"), item("name: c, tags: [slow]"), item("name: d")
)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), "abcd"),
        (Selection(tags=("slow",)), "bc"),
        (Selection(tags=("slow", "fast")), "abc"),
        (Selection(ids=("d", "a")), "ad"),
        (Selection(keyword="not tag:fast"), "cd"),
        (Selection(keyword="c", tags=("slow",)), "c"),
        (Selection(ids=("nowhere",)), ""),
        (Selection(tags=("nowhere",)), ""),
    ],
)
def test_a_selection_narrows_the_plan_in_the_order_of_the_suite(
    tmp_path: Path, selection: Selection, expected: str
) -> None:
    assert "".join(ids(make_plan(load(tmp_path, FOUR), select=selection))) == expected


def test_a_profile_selects_and_an_id_overrules_it(tmp_path: Path) -> None:
    chosen = load(tmp_path, FOUR + 'profiles: {pr: {select: "tag:fast and not tag:slow", timeout: 1}}\n', profile="pr")
    assert ids(make_plan(chosen)) == ["a"]
    assert ids(make_plan(chosen, select=Selection(keyword="b"))) == []
    (case,) = make_plan(chosen, select=Selection(ids=("c",)))
    assert (case.id, case.settings.timeout) == ("c", 1.0)


def test_one_unknown_id_among_known_ones_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="--id: no case has the id 'e'"):
        make_plan(load(tmp_path, FOUR), select=Selection(ids=("a", "e")))


def test_a_broken_expression_is_an_error_at_its_place(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="-k: a word is missing at the end in 'a and'"):
        make_plan(load(tmp_path, FOUR), select=Selection(keyword="a and"))
    with pytest.raises(SuiteError, match=r"suite.yaml:7:25: a word is missing at the end in 'not'"):
        make_plan(load(tmp_path, FOUR + "profiles: {pr: {select: not}}\n", profile="pr"))


@pytest.mark.parametrize("empty", ["{shape: [0]}", "{shape: [2, n]}", "[]", "[[], []]"])
def test_inputs_without_an_element_are_refused_where_their_shape_is_known(tmp_path: Path, empty: str) -> None:
    message = "no input that is differentiated has an element; give one a shape without 0"
    (refusal,) = refusals(tmp_path, suite(item("matrix: {n: [0]}", inputs=f"{{x: {empty}, k: [true]}}")))
    assert refusal == f"3:44: {message}"
    (case,) = plan(tmp_path, suite(item("matrix: {n: [0]}", inputs=f"{{x: {empty}, y: {{shape: [1]}}}}")))
    assert len(case.inputs) == 2


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("{values: [2, 1], bounds: [2, 3]}", "3:61: 1 is outside bounds [2, 3]"),
        ("{values: [[2.5, 3], [3.5, 2]], bounds: [2, 3]}", "3:69: 3.5 is outside bounds [2, 3]"),
        ("{values: 1, bounds: [2, null]}", "3:57: 1 is outside bounds [2, null]"),
        ("{value: $k, bounds: [null, 2]}", "3:56: 3 is outside bounds [null, 2]"),
        ("{values: [2, 1], differentiate: false, bounds: [2, 3]}, y: [1.0]", "3:61: 1 is outside bounds [2, 3]"),
    ],
)
def test_values_outside_their_bounds_are_refused_at_their_place(tmp_path: Path, given: str, expected: str) -> None:
    text = suite(item("matrix: {k: [3]}", inputs=f"{{x: {given}}}"))
    assert refusals(tmp_path, text) == [f"{expected}; mend the value or the bounds"]


def test_values_within_their_bounds_or_rounded_by_their_dtype_are_left_to_the_draw(tmp_path: Path) -> None:
    inputs = "{x: {values: [2, 3], bounds: [2, 3]}, y: {values: [3.00000001], dtype: float32, bounds: [2, 3]}}"
    (case,) = plan(tmp_path, suite(item(inputs=inputs)))
    assert [array.tolist() for array in draw_inputs(case)] == [[2, 3], [3]]


def test_values_of_a_point_outside_the_bounds_of_its_input_are_refused_there(tmp_path: Path) -> None:
    text = suite(item("at: {p: {x: [2, 5]}}", inputs="{x: {shape: [2], bounds: [2, 3]}}"))
    assert refusals(tmp_path, text) == ["3:91: 5 is outside bounds [2, 3]; mend the value or the bounds"]


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ("{x: {shape: [2], dtype: float32}}", ": x has a dtype of its own; leave one out, or remove the axis"),
        (
            "{x: {values: [2], dtype: float32}, k: {values: [1], dtype: int64}, z: {shape: [1], dtype: float16}}",
            ": x and z have dtypes of their own; leave one out, or remove the axis",
        ),
    ],
)
def test_an_axis_dtype_that_no_input_takes_is_refused(tmp_path: Path, inputs: str, said: str) -> None:
    text = suite(item(inputs=inputs) + ", matrix: {dtype: [float64, float16]}")
    column = text.splitlines()[2].index("[float64") + 1
    assert refusals(tmp_path, text) == [f"3:{column}: no input takes the axis 'dtype'{said}"]


@pytest.mark.parametrize(
    "more",
    ["kwargs: {like: [{dtype: $dtype}]}", "args: [$dtype]", "at: {p: {x: [1]}}"],
)
def test_an_axis_dtype_that_anything_takes_is_in_order(tmp_path: Path, more: str) -> None:
    inputs = "{x: {values: [2], dtype: float32}}" if "at" not in more else "{x: {shape: [2]}}"
    (case,) = plan(tmp_path, suite(item(f"{more}, matrix: {{dtype: [float64]}}", inputs=inputs)))
    assert case.axes == (("dtype", "float64"),)


def test_a_broken_selection_is_found_in_a_profile_that_nobody_uses_today(tmp_path: Path) -> None:
    write(tmp_path, FOUR, name="part.yaml")
    whole = 'version: 1\ninclude: [part.yaml]\nprofiles: {pr: {select: "(("}, nightly: {select: a}}\n'
    assert refusals(tmp_path, whole) == ["3:25: a word is missing at the end in '(('"]


def test_show_config_prints_every_value_with_its_origin(tmp_path: Path) -> None:
    text = function("tolerance: {rtol: 1e-3}\ntags: [a]") + "defaults: {timeout: 3, tags: [b]}\nseed: 5\n"
    rows = show_config(load(tmp_path, text, overrides={"h": "1e-4"}), "huber")
    file = f"{tmp_path}/suite.yaml"
    assert rows == [
        ("function", "mypkg.losses:huber", f"functions[0] ({file}:3:5)"),
        ("gradient", "mypkg.losses:huber_grad", f"functions[0] ({file}:3:5)"),
        ("h", (1e-4,), "--set h"),
        ("elements", "all", "built in"),
        ("method", "auto", "built in"),
        ("extend", True, "built in"),
        ("kinks", "undecided", "built in"),
        ("timeout", 3.0, f"defaults ({file}:9:12)"),
        ("engine", None, "built in"),
        ("owner", None, "built in"),
        ("tolerance.rtol", 1e-3, f"functions[0] ({file}:7:17)"),
        ("tolerance.resolution", 2e-3, "built in, by precision (float64)"),
        ("tolerance.atol", 0.0, "built in"),
        ("checks", ("gradient",), "built in"),
        ("tags", ("a", "b"), f"functions[0] ({file}:8:5); defaults ({file}:9:24)"),
        ("seed", 5, f"suite ({file}:10:1)"),
        ("inputs.x", "shape: [8], normal: {}", f"functions[0] ({file}:6:7)"),
    ]


def test_show_config_prints_what_a_function_is_called_with_and_where(tmp_path: Path) -> None:
    text = """\
version: 1
path: [.]
env: {MODE: "fast"}
functions:
  - function: m:f
    gradient: m:g
    inputs: {x: {shape: [n]}, k: {value: 7, differentiate: false}, p: {tree: {w: [2.0]}}}
    at: {far: {x: [9.0]}, near: {x: [1.0]}}
    matrix: {n: [1, 2]}
    args: [$n]
    kwargs: {delta: 1.5}
    expect: {status: fail, reason: known, until: 2999-01-31}
    was: old
"""
    rows = show_config(load(tmp_path, text), "f[n=2]@near")
    said = {key: (value, origin.removeprefix("functions[0] ").strip("()")) for key, value, origin in rows[-11:]}
    place = f"{tmp_path}/suite.yaml"
    assert said == {
        "inputs.x": ("values: [1.0]", f"{place}:8:34"),
        "inputs.k": ("values: 7, differentiate: false", f"{place}:7:31"),
        "inputs.p.w": ("values: [2.0]", f"{place}:7:68"),
        "args[0]": (2, f"{place}:10:12"),
        "kwargs.delta": (1.5, f"{place}:11:14"),
        "matrix.n": (2, f"{place}:9:14"),
        "expect": ({"status": "fail", "reason": "known", "until": "2999-01-31"}, f"{place}:12:5"),
        "was": (("old[n=2]@near",), f"{place}:13:5"),
        "path": (str(tmp_path), f"suite ({place}:2:8"),
        "env.MODE": ("fast", f"suite ({place}:3:7"),
    } | {"seed": (0, "built in")}


@pytest.mark.parametrize(
    ("dtype", "rtol", "resolution"),
    [("float64", 1e-5, 1e-3), ("float32", 1e-4, 1e-2), ("float16", 1e-2, 0.1), ("complex64", 1e-4, 1e-2)],
)
def test_show_config_prints_what_is_used_where_nothing_is_said(
    tmp_path: Path, dtype: str, rtol: float, resolution: float
) -> None:
    text = suite(item("timeout: null", inputs=f"{{x: {{shape: [2], dtype: {dtype}}}, y: {{shape: [2]}}}}"))
    found = {key: (value, origin) for key, value, origin in show_config(load(tmp_path, text), "f")}
    precision = dtype.replace("complex64", "float32")
    assert found["h"] == ("auto", "built in")
    assert found["timeout"][0] == TIMEOUT
    assert found["timeout"][1].startswith(f"functions[0] ({tmp_path}/suite.yaml:3:")
    assert found["tolerance.rtol"] == (rtol, f"built in, by precision ({precision})")
    assert found["tolerance.resolution"] == (resolution, f"built in, by precision ({precision})")


def test_show_config_knows_no_precision_where_a_module_holds_all_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gradaudit.suite.available.missing", lambda engine: None)
    text = suite("function: m:f, engine: torch, inputs: {}")
    found = {key: (value, origin) for key, value, origin in show_config(load(tmp_path, text), "f")}
    assert found["tolerance.rtol"] == (None, "built in")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (item(inputs="{x: {shape: [2], dtype: bfloat16}}"), "3:68"),
        (item("matrix: {n: [1, 2], dtype: [float32, bfloat16]}"), "3:90"),
    ],
)
def test_bfloat16_without_its_library_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, place: str
) -> None:
    monkeypatch.setattr("gradaudit.plan.precision.find_spec", lambda name: None)
    (found,) = refusals(tmp_path, suite(text))
    assert found == f"{place}: dtype bfloat16 needs ml_dtypes: pip install 'gradaudit[jax]'"


def test_show_config_of_an_unknown_id_suggests_one(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="no case has the id 'hubr'; did you mean 'huber'"):
        show_config(load(tmp_path, HUBER), "hubr")


def test_a_plan_does_not_depend_on_the_order_of_items(tmp_path: Path) -> None:
    items = [item(f"name: f{i}") for i in range(4)]
    forward, backward = (plan(tmp_path, suite(*some)) for some in (items, items[::-1]))

    assert {replace(case, place="") for case in forward} == {replace(case, place="") for case in backward}


def test_a_case_carries_where_its_settings_stand_but_for_what_is_built_in(tmp_path: Path) -> None:
    (case,) = plan(tmp_path, suite(item("name: f")) + "defaults: {timeout: 3s}\n")
    origins = dict(case.origins)
    assert origins["timeout"].startswith("defaults (")
    assert "kinks" not in origins


@pytest.mark.parametrize(
    ("written", "directions", "auto"), [("{directions: 8}", 8, False), ("auto", None, True), ("all", None, False)]
)
def test_a_choice_of_elements_goes_to_its_settings(
    tmp_path: Path, written: str, directions: int | None, auto: bool
) -> None:
    (case,) = plan(tmp_path, suite(item(f"elements: {written}")))
    assert (case.settings.elements, case.settings.directions, case.settings.auto) == (None, directions, auto)


# everything that is wrong, at once


WRONG_IN_EVERY_STAGE = """\
version: 1
functions:
  - {name: a, function: "m:f", gradient: "m:g", inputs: {x: {shape: [n]}}}
  - {name: b, function: "m:f", gradiant: "m:g", inputs: {x: {shape: [2]}}}
  - {name: c, function: "m:f", gradient: "m:g", inputs: {x: {file: none.npy}}}
  - {name: d, function: "m:f", gradient: "m:g", inputs: {x: {shape: [2], normal: {std: -1}}}}
  - {name: e, function: "m:f", gradient: "m:g", inputs: {x: {shape: [2]}}}
  - {name: f, function: "m:f", gradient: "m:g", inputs: {x: {shape: [2]}}, checks: [vjp]}
"""


def test_what_is_wrong_in_its_keys_its_files_or_its_meaning_is_reported_at_once_and_by_line(tmp_path):
    with pytest.raises(SuiteError) as caught:
        make_plan(load_suite([write(tmp_path, WRONG_IN_EVERY_STAGE)], environment={}))
    said = [(problem.place.line, problem.message) for problem in caught.value.problems]
    assert [line for line, _ in said] == [3, 4, 5, 6, 8]
    for (_, message), word in zip(
        said, ["symbol 'n'", "'gradiant'", "none.npy", "std must be 0", "'vjp'"], strict=True
    ):
        assert word in message


def test_where_a_setting_from_outside_is_wrong_nothing_is_said_of_what_follows_from_it(tmp_path):
    text = function("method: central\nextend: false")
    suite = load_suite([write(tmp_path, text)], environment={}, overrides={"h": "0"})
    with pytest.raises(SuiteError) as caught:
        make_plan(suite)
    assert [str(problem.place) for problem in caught.value.problems] == ["--set h"]


def test_a_function_whose_cases_are_all_there_twice_is_told_of_once(tmp_path):
    path = write(tmp_path, HUBER.replace("[8]", "[n]") + "    matrix: {n: [1, 2, 3]}\n")
    with pytest.raises(SuiteError, match=r"id 'huber\[n=1\]' and 2 more are made twice here") as caught:
        make_plan(load_suite([path, path], environment={}))
    assert len(caught.value.problems) == 1


SOUND = """\
version: 1
name: all
seed: 7
path: [.]
defaults: {h: auto, tolerance: {rtol: 1e-5}}
by_dtype: {float32: {tolerance: {rtol: 2e-3}}}
profiles: {pr: {timeout: 10s, select: "tag:a"}}
functions:
  - {name: a, function: "m:f", gradient: "m:g", inputs: {x: {shape: [n]}, y: {shape: [n]}}, matrix: {n: [1, 2]}}
  - {name: b, function: "m:f", gradient: "m:g", inputs: {x: {shape: [2], bounds: [0, 1]}, y: [1.0]}}
  - {name: c, function: "m:f", gradient: "m:g", at: {p: {x: [1.0]}, q: {x: [2.0]}}, checks: [gradient]}
  - {name: d, function: "m:f", gradient: "m:g", inputs: {x: {shape: [2]}}, kwargs: {a: 1}, tags: [a], timeout: 9s}
  - {name: e, function: "m:f", gradient: "m:g", inputs: {x: {file: x.npy}}, expect: {status: fail}}
"""
#: Mistakes, one beside the other: what to write for what.
MISTAKES = [
    ("version: 1", "version: 3"),
    ("seed: 7", "seed: -7"),
    ("seed: 7", "seed: !!int 7"),
    ("name: all", "nmae: all"),
    ("path: [.]", "path: [nowhere]"),
    ("path: [.]", "path: [.]\ninclude: [none.yaml]"),
    ("h: auto,", "h: -1,"),
    ("h: auto,", "h: auto, h: auto,"),
    ("float32: {", "float33: {"),
    ("timeout: 10s", "timeout: soon"),
    ('select: "tag:a"', 'select: "tag:("'),
    ("y: {shape: [n]}", "y: {shape: [m]}"),
    ("bounds: [0, 1]", "bounds: [1, 0]"),
    ("y: [1.0]", "y: [1.0, zwei]"),
    ("name: b", "name: a, matrix: {n: [2, 3]}"),
    ("q: {x: [2.0]}", "q: {y: [2.0]}"),
    ('c, function: "m:f"', 'c, functoin: "m:f"'),
    ('e, function: "m:f"', "e, function: 3"),
    ('d, function: "m:f", ', "d, "),
    ("checks: [gradient]", "checks: [vjp]"),
    ("checks: [gradient]", "chekcs: [gradient]"),
    ("kwargs: {a: 1}", "kwargs: {a: $k}"),
    ("tags: [a]", "tags: a"),
    ("timeout: 9s", "timeout: 9s, timeout: 8s"),
    ("file: x.npy", "file: y.npy"),
    ("status: fail", "status: failed"),
]


def wrong_with(folder: Path, text: str) -> set[tuple[str, str]]:
    """What is wrong, with the line that it stands on, whatever lines stand above it."""
    try:
        make_plan(load_suite([write(folder, text)], environment={}))
    except SuiteError as error:
        return {(re.sub(r"\d+:\d+", "…", problem.message), problem.source_line) for problem in error.problems}
    return set()


@pytest.mark.parametrize("seed", range(25))
def test_mistakes_are_told_all_at_once_and_none_that_is_gone_when_another_is_mended(tmp_path, seed):
    np.save(tmp_path / "x.npy", np.ones(2))
    assert not wrong_with(tmp_path, SOUND)
    draw = random.Random(seed)
    text, alone = SOUND, set[str]()
    for right, wrong in draw.sample(MISTAKES, draw.randint(2, len(MISTAKES))):
        if right in text:
            text = text.replace(right, wrong)
            found = wrong_with(tmp_path, SOUND.replace(right, wrong))
            assert found, f"{wrong} is no mistake"
            alone |= {message for message, _ in found}
    assert {message for message, _ in wrong_with(tmp_path, text)} == alone
