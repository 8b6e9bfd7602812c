"""What a case leaves behind: whether a namespace still holds what it held, and how the processor calculates."""

import ctypes
import mmap
import platform
import sys
from collections.abc import Callable

import pytest

from gradaudit.isolation import residue, rounding

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


def test_numbers_count_where_they_are_constants():
    namespace = {"sin": len, "pi": 3.0, "name": "text"}
    snapshot = residue._Snapshot(namespace, residue._lasting(namespace, numbers=True))
    namespace["name"] = "other text"
    assert snapshot.holds()
    namespace["pi"] = 3.14
    assert not snapshot.holds()


def test_only_what_is_held_counts_where_that_is_named(namespace: Namespace):
    snapshot = residue._Snapshot(namespace, {"sin": len, "cos": max})
    namespace["pi"] = max
    assert snapshot.holds()
    namespace["cos"] = len
    assert not snapshot.holds()


@pytest.mark.skipif((sys.platform, platform.machine()) != ("linux", "x86_64"), reason="in the words of this processor")
def test_what_flushes_small_numbers_to_zero_is_taken_back():
    put_back, smallest = rounding.keeper_of(), sys.float_info.min
    set_state(0x9FC0)  # as compilers do it where they are told -ffast-math, in all that loads what they made
    flushed = smallest / 2
    put_back()
    assert (flushed, smallest / 2) == (0.0, 2.0**-1023)


def set_state(state: int) -> None:
    """Load the register MXCSR."""
    with mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) as page:
        page.write(bytes.fromhex("0fae17c3"))  # ldmxcsr [rdi]; ret
        code = ctypes.c_char.from_buffer(page)
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(ctypes.addressof(code))(ctypes.byref(ctypes.c_uint32(state)))
        del code
