"""What a processor does for a piece of work: counted by its own counters, by an emulated processor, or by its clock."""

import ctypes
import errno
import os
import platform
import shutil
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks._c import compile_c

Work = Callable[[], object]
Counts = Mapping[str, float]  #: by event
Meter = Callable[[Work], Counts]  #: does the work once and says how many of each event it took

INSTRUCTIONS, CYCLES, REFERENCE = "instructions", "cycles", "reference cycles"

#: perf_event_open has no name in libc; PERF_TYPE_HARDWARE, and the events' numbers within it.
SYSTEM_CALL = {"x86_64": 298, "aarch64": 241}
HARDWARE, EVENTS = 0, {INSTRUCTIONS: 1, CYCLES: 0}
USER_ONLY = 0b110_0000  #: exclude_kernel and exclude_hv: what an unprivileged user may count
ATTRIBUTES = struct.Struct("=II5QIIQ")  #: perf_event_attr in its first version, 64 bytes

#: Counts on an emulated processor, from where it is asked to; sees what a compiler in the process writes.
EMULATOR = ("valgrind", "--tool=callgrind", "--instr-atstart=no", "--smc-check=all-non-file", "--quiet")
DUMPS = "counts"  #: the start of its dumps' names

COUNTED = 0.1  #: seconds over which the frequency of the time-stamp counter is measured

REQUESTS = """
#include <valgrind/callgrind.h>

void begin(void) { CALLGRIND_START_INSTRUMENTATION; }
void zero(void) { CALLGRIND_ZERO_STATS; }
void dump(void) { CALLGRIND_DUMP_STATS; }
"""

CLOCK = """
#include <x86intrin.h>

unsigned long long ticks(void) { unsigned int core; return __rdtscp(&core); }
"""


def per_evaluation(meter: Meter, work: Work, *, repeats: int, evaluations: int) -> Counts:
    """Events for one of the ``evaluations`` within ``work``: the difference between 2·``repeats`` of it and half as
    many, so that what surrounds them cancels."""
    few, many = (meter(times(work, count)) for count in (repeats, 2 * repeats))
    return {event: (many[event] - few[event]) / (repeats * evaluations) for event in few}


def median(rounds: Sequence[Counts]) -> Counts:
    """Of each event."""
    return {event: statistics.median(counts[event] for counts in rounds) for event in rounds[0]}


def times(work: Work, count: int) -> Work:
    """``work`` so often."""

    def all_() -> None:
        for _ in range(count):
            work()

    return all_


def hardware() -> Meter | None:
    """The processor's own counters of this thread, or None where the system or its hypervisor keeps them."""
    try:
        files = {event: opened(HARDWARE, number) for event, number in EVENTS.items()}
    except OSError:
        return None
    return differences(lambda: {event: read(file) for event, file in files.items()})


def opened(kind: int, number: int) -> int:
    """The file of one counter of this thread. Raises OSError where there is none."""
    if sys.platform != "linux" or platform.machine() not in SYSTEM_CALL:
        raise OSError(errno.ENOSYS, "this system's counters are not known here")
    asked = ATTRIBUTES.pack(kind, ATTRIBUTES.size, number, 0, 0, 0, USER_ONLY, 0, 0, 0)
    system = ctypes.CDLL(None, use_errno=True)
    this_thread, any_core, no_group, no_flags = 0, -1, -1, 0
    call = ctypes.c_long(SYSTEM_CALL[platform.machine()])
    file = system.syscall(call, asked, this_thread, any_core, no_group, ctypes.c_ulong(no_flags))
    if file < 0:
        raise OSError(ctypes.get_errno(), "perf_event_open")
    return int(file)


def read(file: int) -> float:
    """A counter, since it was opened."""
    return float(int.from_bytes(os.read(file, 8), sys.byteorder))


def differences(now: Callable[[], Counts]) -> Meter:
    """A meter of counters that only grow."""

    def meter(work: Work) -> Counts:
        before = now()
        work()
        after = now()
        return {event: after[event] - before[event] for event in before}

    return meter


def reference_cycles(folder: Path) -> Meter | None:
    """This thread's time in cycles of the time-stamp counter, whose frequency is fixed, and not that of the core."""
    library = compile_c("clock", CLOCK, folder)
    if library is None:
        return None
    library.ticks.restype = ctypes.c_ulonglong
    began, ticks = time.perf_counter(), library.ticks()
    time.sleep(COUNTED)
    frequency = (library.ticks() - ticks) / (time.perf_counter() - began)
    return differences(lambda: {REFERENCE: frequency * time.thread_time()})


def emulated(folder: Path, *words: str) -> str | None:
    """What ``python words`` prints on the emulated processor, or None where there is none; its dumps are in ``folder``.

    Raises CalledProcessError where the program fails."""
    if shutil.which(EMULATOR[0]) is None or compile_c("requests", REQUESTS, folder) is None:
        return None
    line = [*EMULATOR, f"--callgrind-out-file={folder / DUMPS}", sys.executable, *words]
    return subprocess.run(line, capture_output=True, text=True, check=True).stdout


def within_emulator(folder: Path) -> Meter:
    """The counter of the emulated processor that this process runs on; it counts, and is slow, from here on."""
    library = compile_c("requests", REQUESTS, folder)
    assert library is not None, "emulated() has compiled it"
    library.begin()

    def meter(work: Work) -> Counts:
        library.zero()
        work()
        library.dump()
        (dump,) = folder.glob(f"{DUMPS}.*")
        counts = parse(dump.read_text(encoding="utf-8"))
        dump.unlink()  # the next is the only one again
        return counts

    return meter


def parse(dump: str) -> Counts:
    """The events of a dump of callgrind's, under our names. Raises ValueError where it has no counts."""
    told = dict(line.split(": ", 1) for line in dump.splitlines() if ": " in line)
    counts = dict(zip(told.get("events", "").split(), map(float, told.get("totals", "").split()), strict=False))
    if "Ir" not in counts:
        raise ValueError("callgrind's dump: no totals of Ir, allowed: one; was instrumentation on?")
    return {INSTRUCTIONS: counts["Ir"]}
