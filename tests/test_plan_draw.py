"""The numbers of a case: which, and that they stay the same."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradaudit.plan.case import Avoid, Case, Drawn, Given, Input, Stored, Target
from gradaudit.plan.draw import SAMPLERS, DrawError, draw_inputs, generator, rewound, seeded
from gradaudit.suite.distributions import NAMES, Distributions


def case(*inputs: Input, name: str = "f", seed: int = 0) -> Case:
    return Case(name, name, Target("m:f"), inputs, (), seed=seed)


def draw(*inputs: Input, **options: Any) -> list[Any]:
    return list(draw_inputs(case(*inputs, **options)))


def drawn(distribution: str, *, shape: tuple[int, ...] = (4000,), **parameters: Any) -> Drawn:
    return Drawn(shape, distribution, tuple(parameters.items()))


X = Input("x", Drawn((5,)))


def test_the_numbers_depend_on_seed_id_and_name_and_on_nothing_else() -> None:
    (first,) = draw(X)
    (_, same) = draw(Input("y", Drawn((3,))), X)
    np.testing.assert_array_equal(same, first)
    for other in (draw(X, seed=1), draw(X, name="g"), draw(Input("z", Drawn((5,))))):
        assert not np.any(other[0] == first)


def test_what_a_function_draws_itself_follows_from_seed_and_id_and_is_one_for_all_points() -> None:
    known = seeded(case()).seed
    assert seeded(replace(case(), draw=3)).seed == known
    assert seeded(replace(case(), checks=("jvp",))).seed == known
    assert len({known, seeded(case(seed=1)).seed, seeded(case(name="g")).seed}) == 3


def test_the_numbers_of_a_case_never_change_between_versions() -> None:
    (x,) = draw(Input("x", Drawn((3,))), name="huber[n=3]", seed=20261122)
    np.testing.assert_array_equal(x, GOLDEN)


GOLDEN = [1.9571725762408618, 1.2019953917199415, 1.4270467259142885]


def test_every_distribution_of_the_suite_is_sampled_and_no_other() -> None:
    assert set(SAMPLERS) == set(NAMES) == set(Distributions.model_fields)


@pytest.mark.parametrize(
    ("source", "mean", "low", "high"),
    [
        (drawn("normal"), 0.0, -9, 9),
        (drawn("normal", mean=5.0, std=0.1), 5.0, 4, 6),
        (drawn("uniform"), 0.5, 0, 1),
        (drawn("uniform", low=-3, high=-1), -2.0, -3, -1),
        (drawn("lognormal", mean=0.0, sigma=0.1), 1.005, 0, 2),
        (drawn("loguniform", low=1e-3, high=1e3), 72.4, 1e-3, 1e3),
        (drawn("exponential", scale=2.0), 2.0, 0, 99),
        (drawn("gamma", k=3.0, scale=2.0), 6.0, 0, 99),
        (drawn("beta", a=2.0, b=6.0), 0.25, 0, 1),
        (drawn("laplace", mean=1.0, scale=0.5), 1.0, -99, 99),
        (drawn("student_t", df=30.0), 0.0, -99, 99),
        (drawn("integers", low=2, high=5), 3.0, 2, 4),
        (drawn("choice", of=(-1.0, 1.0)), 0.0, -1, 1),
        (drawn("bernoulli", p=0.25), 0.25, 0, 1),
        (drawn("permutation"), 1999.5, 0, 3999),
    ],
    ids=lambda value: value.distribution if isinstance(value, Drawn) else "",
)
def test_a_distribution_has_its_mean_and_range(source: Drawn, mean: float, low: float, high: float) -> None:
    (x,) = draw(Input("x", source, differentiate=False))
    values = x.astype(np.float64)
    assert abs(values.mean() - mean) < 5 * values.std() / np.sqrt(values.size) + 1e-12
    assert values.min() >= low
    assert values.max() <= high


def test_a_differentiated_input_is_always_a_floating_array() -> None:
    found = draw(
        Input("a", Drawn((2,))),
        Input("b", Drawn((), "normal"), dtype="float32"),
        Input("c", Given(((1, 2), (3, 4)))),
        Input("d", Given(3)),
        Input("e", drawn("choice", shape=(2,), of=(1, 2))),
    )
    assert [(x.dtype.name, x.shape) for x in found] == [
        ("float64", (2,)),
        ("float32", ()),
        ("float64", (2, 2)),
        ("float64", ()),
        ("float64", (2,)),
    ]
    assert all(isinstance(x, np.ndarray) for x in found)


def test_an_input_without_a_derivative_is_what_the_suite_says() -> None:
    names, listed, text, number, nothing, index = draw(
        Input("a", Given(["x", {"y": 1}]), differentiate=False),
        Input("b", Given((0, 2, 1)), dtype="int32", differentiate=False),
        Input("c", Given("mean"), differentiate=False),
        Input("d", Given(7), differentiate=False),
        Input("e", Given(None), differentiate=False),
        Input("f", drawn("integers", shape=(3,), high=4), dtype="uint8", differentiate=False),
    )
    assert (names, text, number, nothing) == (["x", {"y": 1}], "mean", 7, None)
    assert type(number) is int
    assert (listed.dtype, listed.tolist()) == (np.int32, [0, 2, 1])
    assert (index.dtype, index.shape) == (np.uint8, (3,))


def test_stored_values_are_read_and_cast(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", theta=np.arange(3))
    stored = Stored(str(tmp_path / "a.npz"), "theta")
    (x,), (i,) = draw(Input("x", stored)), draw(Input("i", stored, differentiate=False))
    assert (x.dtype.name, x.tolist()) == ("float64", [0.0, 1.0, 2.0])
    assert i.dtype.kind == "i"


def test_a_file_that_is_gone_names_the_input(tmp_path: Path) -> None:
    with pytest.raises(DrawError, match=r"input 'x': .*gone\.npy is not a file"):
        draw(Input("x", Stored(str(tmp_path / "gone.npy"))))


def test_only_values_too_near_to_a_point_are_drawn_again() -> None:
    plain, avoiding = (
        draw(Input("x", Drawn((200,)), avoid=avoid))[0] for avoid in (None, Avoid(points=(0.0, 1.0), margin=0.1))
    )
    near = (np.abs(plain) < 0.1) | (np.abs(plain - 1.0) < 0.1)
    assert 0 < near.sum() < 100
    np.testing.assert_array_equal(avoiding[~near], plain[~near])
    assert np.abs(avoiding).min() >= 0.1
    assert np.abs(avoiding - 1.0).min() >= 0.1


@given(st.floats(-3, 2), st.floats(0.1, 4), st.integers(0, 1000))
def test_bounds_hold_for_drawn_values_of_any_precision(low: float, width: float, seed: int) -> None:
    for dtype in ("float64", "float32", "float16"):
        (x,) = draw(
            Input("x", drawn("uniform", shape=(50,), low=-4, high=7), dtype, bounds=(low, low + width)), seed=seed
        )
        assert ((x >= low) & (x <= low + width)).all()


def test_bounds_that_the_distribution_never_meets_say_so() -> None:
    with pytest.raises(
        DrawError, match=r"input 'x': 3 of 3 values drawn from normal still lie outside bounds \[50, inf\]"
    ):
        draw(Input("x", Drawn((3,)), bounds=(50.0, None)))


def test_points_that_leave_no_room_say_so() -> None:
    source = drawn("uniform", shape=(3,), low=0, high=1)
    with pytest.raises(DrawError, match=r"without 2 around 0\.5"):
        draw(Input("x", source, avoid=Avoid((0.5,), 2.0)))


def test_given_values_outside_their_bounds_name_the_element() -> None:
    with pytest.raises(DrawError, match=r"x\[1, 0\] = -3.0 is outside bounds \[0, inf\]"):
        draw(Input("x", Given(((1, 2), (-3, 4))), bounds=(0.0, None)))


def test_not_a_number_is_outside_any_bounds() -> None:
    with pytest.raises(DrawError, match="x = nan is outside bounds"):
        draw(Input("x", Given(float("nan")), bounds=(0.0, None)))


def test_values_that_no_dtype_holds_are_refused() -> None:
    with pytest.raises(DrawError, match="input 'x'"):
        draw(Input("x", Given((300,)), dtype="uint8", differentiate=False))


@pytest.mark.parametrize(
    ("values", "dtype", "lost"),
    [
        ((1.0, 1.5), "int64", "x[1] = 1.5 is beyond int64"),
        ((0, 2), "bool", "x[1] = 2 is beyond bool"),
        (1e300, "float32", "x = 1e+300 is beyond float32"),
        ((10**300,), "float16", "is beyond float16"),
    ],
)
def test_values_that_their_dtype_cannot_hold_are_refused_and_never_cut(values: Any, dtype: str, lost: str) -> None:
    with pytest.raises(DrawError, match=re.escape(lost)):
        draw(Input("x", Given(values), dtype=dtype, differentiate=False))


@pytest.mark.parametrize(
    ("values", "dtype"),
    [((1.0, 2.0), "int64"), ((0, 1), "bool"), (0.1, "float32"), (np.inf, "float16"), ((10**300,), "float64")],
)
def test_values_may_be_rounded_to_their_dtype(values: Any, dtype: str) -> None:
    (array,) = draw(Input("x", Given(values), dtype=dtype))
    np.testing.assert_array_equal(array, np.array(values, dtype=dtype))


def test_an_empty_shape_and_an_axis_of_length_zero_are_drawn() -> None:
    scalar, empty = draw(Input("s", Drawn(())), Input("e", Drawn((0, 3))))
    assert (scalar.shape, empty.shape) == ((), (0, 3))


def test_a_permutation_holds_every_number_once() -> None:
    (p,) = draw(Input("p", drawn("permutation", shape=(3, 4)), dtype="int64", differentiate=False))
    assert sorted(p.ravel().tolist()) == list(range(12))


def test_a_complex_input_is_drawn_in_both_parts():
    (z,) = draw(Input("z", drawn("uniform", shape=(50,), low=1, high=2), "complex64"))
    assert z.dtype == np.complex64
    for part in (z.real, z.imag):
        assert ((part >= 1) & (part <= 2)).all()
    assert not (z.real == z.imag).any()


def test_what_is_drawn_inside_is_drawn_again_even_after_an_error() -> None:
    rng = generator(case(X), "check gradient")
    with rewound(rng):
        first = rng.random(3)
    with pytest.raises(ValueError, match="low"), rewound(rng):
        rng.integers(rng.random(7).size, 0)
    assert (rng.random(3) == first).all()
