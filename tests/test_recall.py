"""What was evaluated before is not evaluated again, within a limit."""

import numpy as np
import pytest

from gradaudit.power.recall import remembered, remembered_kernel


class Counted:
    """Doubles what it is given, and keeps what that was; spoils its input, as user code may."""

    def __init__(self):
        self.seen = []

    def __call__(self, x):
        self.seen.append(x.tolist())
        doubled = 2 * x
        x[:] = np.nan
        return doubled if doubled.any() else None


@pytest.fixture
def counted():
    return Counted()


def test_a_point_is_evaluated_once_also_where_f_has_no_value(counted):
    recall = remembered(counted)
    answers = [recall(np.array([value])) for value in (1.0, 0.0, 1.0, 0.0)]
    assert [None if answer is None else float(answer[0]) for answer in answers] == [2.0, None, 2.0, None]
    assert counted.seen == [[1.0], [0.0]]


def test_points_that_differ_in_the_last_bit_or_the_sign_of_zero_are_two(counted):
    recall = remembered(counted)
    for value in (1.0, np.nextafter(1.0, 2.0), 0.0, -0.0):
        recall(np.array([value]))
    assert len(counted.seen) == 4


def test_what_does_not_fit_is_evaluated_anew(counted):
    recall = remembered(counted, room=1)
    answers = [float(recall(np.array([value]))[0]) for value in (1.0, 2.0, 1.0, 2.0)]
    assert answers == [2.0, 4.0, 2.0, 4.0]
    assert counted.seen == [[1.0], [2.0], [2.0]]


def test_a_kernel_is_asked_once_for_the_same_differences_and_again_for_others():
    asked = []

    def kernel(x, **given):
        asked.append(given)
        return x, x, x

    recall = remembered_kernel(kernel)
    x, index = np.ones(3), np.arange(3)
    same = {"indices": index, "above": np.ones((2, 3)), "readout": None, "threads": 1}
    for given in (same, dict(same), {**same, "readout": np.eye(3)}, {**same, "above": np.ones((3, 2))}):
        assert recall(x, **given)[0] is x
    assert [one["above"].shape for one in asked] == [(2, 3), (2, 3), (3, 2)]
