import numpy as np
import pytest

from gradaudit.pullback import Pullback

X = np.array([1.0, 2.0])
W = np.array([3.0, 4.0])
COTANGENT = np.array([5.0, 6.0])


def call(vjp, arguments, wanted=None, **options):
    wanted = range(len(arguments)) if wanted is None else wanted
    return Pullback.of(vjp, "op")(arguments, options, COTANGENT, wanted=wanted)


# how a vjp is called


@pytest.mark.parametrize(
    "vjp",
    [
        lambda x, w, cotangent: (cotangent * w, cotangent * x),
        lambda x, w, g: (g * w, g * x),
        lambda x, w, *, cotangent: [cotangent * w, cotangent * x],
        lambda *arrays, cotangent: (cotangent * arrays[1], cotangent * arrays[0]),
        lambda *arrays: (arrays[2] * arrays[1], arrays[2] * arrays[0]),
        lambda x, w, cotangent, axis=0: (cotangent * w, cotangent * x),
    ],
    ids=["named", "last", "keyword", "variadic with keyword", "variadic", "with an option"],
)
def test_every_way_of_writing_a_vjp_gets_its_cotangent(vjp):
    dx, dw = call(vjp, (X, W))
    assert dx.tolist() == [15.0, 24.0]
    assert dw.tolist() == [5.0, 12.0]


def test_options_by_position_stand_after_the_cotangent():
    (dx,) = call(lambda x, cotangent, factor, power=1: cotangent * factor**power, (X, 10.0, 2), wanted=[0])
    assert dx.tolist() == [500.0, 600.0]


def test_options_by_keyword_are_passed_on():
    (dx,) = call(lambda x, cotangent, factor=1.0: cotangent * factor, (X,), factor=10.0)
    assert dx.tolist() == [50.0, 60.0]


def test_a_vjp_without_a_place_for_the_cotangent_is_refused_when_it_is_read():
    with pytest.raises(TypeError, match=r"op: its vjp takes \(\), .*write it as vjp\(\*inputs, cotangent\)"):
        Pullback.of(lambda: None, "op")


def test_what_a_vjp_raises_says_whose_vjp_it_was():
    def vjp(x, cotangent):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        call(vjp, (X,))
    assert caught.value.__notes__ == ["raised by the vjp of op"]


# whose gradient it is


def test_integer_inputs_may_be_left_out_wherever_they_stand():
    mask = np.array([True, False])
    da, db = call(lambda mask, a, b, cotangent: (cotangent * mask, cotangent * ~mask), (mask, X, W), wanted=[1, 2])
    assert da.tolist() == [5.0, 0.0]
    assert db.tolist() == [0.0, 6.0]


def test_an_integer_constant_that_has_a_gradient_takes_it():
    integers = np.array([3, 4])
    (dw,) = call(lambda x, w, cotangent: (cotangent * w, cotangent * x), (integers, W), wanted=[1])
    assert dw.tolist() == [15.0, 24.0]


def test_constants_at_the_end_may_be_left_out():
    (dx,) = call(lambda x, mask, cotangent: cotangent * mask, (X, np.array([1.0, 0.0])), wanted=[0])
    assert dx.tolist() == [5.0, 0.0]


def test_none_means_that_there_is_no_derivative():
    assert call(lambda x, w, cotangent: (None, cotangent), (X, W))[0] is None


def test_a_missing_gradient_is_an_error_with_the_name_of_the_op_and_the_input():
    with pytest.raises(ValueError, match=r"op: its vjp returned 1 gradients, none for input 1, a Variable; return one"):
        call(lambda x, w, cotangent: cotangent * w, (X, W))


def test_too_many_gradients_are_an_error_with_both_numbers():
    with pytest.raises(ValueError, match=r"op: its vjp returned 2 gradients for 1 inputs"):
        call(lambda x, cotangent: (cotangent, cotangent), (X,))


# what a gradient may be


@pytest.mark.parametrize("returned", [np.ones((2, 2)), np.ones(1), 1.0], ids=["more", "broadcastable", "scalar"])
def test_a_gradient_of_another_shape_is_an_error_with_both_shapes_and_the_fix(returned):
    with pytest.raises(ValueError, match=r"op: its vjp returned shape \(.*\) for input 0, allowed \(2,\).*sum_to"):
        call(lambda x, cotangent: returned, (X,))


@pytest.mark.parametrize("returned", [np.array([1j, 2]), np.array(["a", "b"]), np.array([None, None])])
def test_a_gradient_that_is_not_real_is_an_error(returned):
    with pytest.raises(ValueError, match=r"op: its vjp returned .* for input 0, allowed real numbers"):
        call(lambda x, cotangent: returned, (X,))
