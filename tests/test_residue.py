"""Whether a namespace still holds what it held, however one looks at it."""

from collections.abc import Callable

import pytest

from gradaudit.isolation import residue

Namespace = dict[str, object]


@pytest.fixture(params=[True, False], ids=["by version", "one by one"])
def namespace(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Namespace:
    if request.param and not residue.VERSIONED:
        pytest.skip("this interpreter's dicts have no versions")
    monkeypatch.setattr(residue, "VERSIONED", request.param)
    return {"sin": len, "cos": max, "pi": 3.0}


def exchanged(namespace: Namespace) -> None:
    namespace["sin"] = min


def removed(namespace: Namespace) -> None:
    del namespace["cos"]


def equals_all(namespace: Namespace) -> None:
    class Liar:
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None

    namespace["cos"] = Liar()


@pytest.mark.parametrize("change", [exchanged, removed, equals_all])
def test_a_function_that_is_not_there_any_more_is_seen_each_time(
    change: Callable[[Namespace], None], namespace: Namespace
):
    snapshot = residue._Snapshot(namespace)
    assert snapshot.holds()
    assert snapshot.holds()
    change(namespace)
    assert not snapshot.holds()
    assert not snapshot.holds()


def test_new_names_other_numbers_and_what_was_put_back_are_no_change(namespace: Namespace):
    snapshot = residue._Snapshot(namespace)
    namespace["tan"], namespace["pi"] = min, 4.0
    assert snapshot.holds()
    namespace["sin"] = min
    namespace["sin"] = len
    assert snapshot.holds()


def test_only_what_is_held_counts_where_that_is_named(namespace: Namespace):
    snapshot = residue._Snapshot(namespace, {"sin": len, "cos": max})
    namespace["pi"] = max
    assert snapshot.holds()
    namespace["cos"] = len
    assert not snapshot.holds()
