"""An audit that does what the case's name says, in place of the real one: for tests of what runs cases."""

import contextlib
import ctypes
import gc
import io
import os
import platform
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from multiprocessing import shared_memory

from gradaudit.judge.verdict import Catch, Planted, Status, Verdict
from gradaudit.plan.case import Case, Drawn, Input, Settings, Target

AUDIT = "stand_in:audit"


def a_case(name: str = "ok", number: int = 0, *, elements: int = 1, timeout: float | None = None, **fields) -> Case:
    """A case whose audit is the function ``name`` below."""
    return Case(
        id=f"{name}[i={number}]",
        name=name,
        target=Target("module:function"),
        inputs=(Input("x", Drawn((elements,))),),
        checks=("gradient",),
        settings=Settings(timeout=timeout),
        **fields,
    )


def audit(case: Case, *, threads: int) -> Verdict:
    act: Callable[[Case], object] = globals()[case.name]
    said = act(case)
    return Verdict(case.id, Status.PASS, evidence=f"{said}", engine=f"threads={threads}")


def ok(case: Case) -> None:
    pass


def slow(case: Case) -> None:
    time.sleep(0.05)


def process(case: Case) -> int:
    return os.getpid()


def slow_process(case: Case) -> int:
    time.sleep(0.05)
    return os.getpid()


def blocked_signals(case: Case) -> set[signal.Signals]:
    return signal.pthread_sigmask(signal.SIG_BLOCK, ())


def limit_of_files(case: Case) -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def settings(case: Case) -> list[str]:
    return [os.environ.get(name, "") for name in ("WORD", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")]


def importable(case: Case) -> str:
    from only_on_the_path import word

    return word


def shares_memory(case: Case) -> None:
    print(shared_memory.SharedMemory(create=True, size=1000).name)


def shares_memory_and_hangs(case: Case) -> None:
    held = shared_memory.SharedMemory(create=True, size=1000)
    print(held.name)
    time.sleep(60.0)


def forks_on_and_on(case: Case) -> None:
    over = time.monotonic() + 10.0  # nothing stays, even where nobody ends it
    while time.monotonic() < over:
        os.fork()
    os._exit(0)


def raises(case: Case) -> None:
    raise ValueError("planted")


def raises_at_length(case: Case) -> None:
    raise type("Long" * 1000, (Exception,), {})("x" * 5_000_000)


def says_much(case: Case) -> str:
    return "x" * 5_000_000


def raises_silently(case: Case) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    raise Mute


def leaves(case: Case) -> None:
    sys.exit(3)


def interrupts(case: Case) -> None:
    raise KeyboardInterrupt


def recurses(case: Case) -> None:
    recurses(case)


def exits(case: Case) -> None:
    print("last words")
    os._exit(7)


def segfaults(case: Case) -> None:
    ctypes.string_at(0)


def is_killed(case: Case) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hangs(case: Case) -> None:
    print("before it hung")
    while True:
        time.sleep(10)


def dies_when_asked_where_it_stands(case: Case) -> None:
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    hangs(case)


def holds_the_interpreter(case: Case) -> None:
    ctypes.PyDLL(None).sleep(100)


def ignores_signals(case: Case) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    hangs(case)


def floods(case: Case) -> None:
    print("begin")
    for _ in range(100_000):
        print("x" * 99)
    print("end")


def prints(case: Case) -> None:
    print("to stdout")
    print("to stderr", file=sys.stderr)
    os.write(1, b"to the descriptor\n")


def keeps_the_streams_waiting_for_nobody(case: Case) -> None:
    os.set_blocking(1, False)


def closes_what_leads_to_the_keeper(case: Case) -> None:
    """The pipe behind descriptor 1, by all its numbers."""
    pipe = os.fstat(1)
    for descriptor in range(256):
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), pipe):
                os.close(descriptor)


def prints_at_once(case: Case) -> int:
    """More than a pipe holds, by a program and by itself."""
    text = b"y" * 1_000_000
    subprocess.run([sys.executable, "-c", "import os; assert os.write(1, b'x' * 10**6) == 10**6"], check=True)
    return os.write(1, text)


def closes_streams(case: Case) -> None:
    sys.stdout.close()
    os.close(1)
    os.close(2)


def replaces_streams(case: Case) -> None:
    sys.stdout = None
    del sys.stderr


def leaves_when_flushed(case: Case) -> None:
    class Leaving(io.StringIO):
        def flush(self) -> None:
            sys.exit(3)

    sys.stdout = Leaving()


def prints_to_a_file(case: Case) -> None:
    sys.stdout = open("log.txt", "w")  # noqa: SIM115 - left open: that is the point
    print("in the file")


def detaches_streams(case: Case) -> None:
    sys.stdout.detach()


def closes_everything(case: Case) -> None:
    os.closerange(3, 256)


def scribbles(case: Case) -> None:
    for descriptor in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(descriptor, b"scribble" * 8)


def forks(case: Case) -> None:
    os.fork()


def leaves_a_copy_that_holds_the_pipes(case: Case) -> None:
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    os._exit(0)


def dies_later(case: Case) -> None:
    threading.Timer(0.05, os._exit, (1,)).start()


def leaves_a_demon(case: Case) -> None:
    subprocess.run(["sh", "-c", "sleep 60 >/dev/null 2>&1 &"], check=True)


def sets_an_alarm(case: Case) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.1)


def poisons(case: Case) -> None:
    POISONED.append(case.id)


def is_fragile(case: Case) -> str:
    """Dies, hangs or grows where another case was here before."""
    if POISONED:
        {"exits": exits, "hangs": hangs, "eats": eats}[case.tags[0]](case)
    return "unharmed"


def eats(case: Case) -> None:
    held = [b"x" * 10_000_000 for _ in range(100)]
    time.sleep(20)
    assert held


def eats_by_a_child(case: Case) -> None:
    _in_a_child(eats, case)


def eats_for_a_moment(case: Case) -> None:
    held = b"x" * 500_000_000
    assert held


def eats_for_a_moment_by_a_child(case: Case) -> None:
    _in_a_child(eats_for_a_moment, case)


def _in_a_child(work: Callable[[Case], None], case: Case) -> None:
    if os.fork() == 0:
        work(case)
        os._exit(0)
    os.wait()


def stops_its_parent(case: Case) -> None:
    os.kill(os.getppid(), signal.SIGSTOP)
    hangs(case)


def kills_its_parent(case: Case) -> None:
    parent = os.getppid()
    os.kill(parent, signal.SIGKILL)
    while os.getppid() == parent:
        time.sleep(0.001)


def kills_its_parent_and_eats(case: Case) -> None:
    kills_its_parent(case)
    time.sleep(0.2)
    eats(case)


def parent(case: Case) -> int:
    return os.getppid()


def prints_all_the_time(case: Case) -> None:
    held = b"x" * (500_000_000 if "eats" in case.tags else 1)
    while held:
        os.write(1, b"x" * 4096)


def counts(case: Case) -> None:
    with open(os.environ["COUNTED"], "a") as file:
        file.write(f"{case.id}\n")
    if "exits" in case.tags:
        os._exit(7)


def counts_and_hangs(case: Case) -> None:
    counts(case)
    hangs(case)


def makes_temporary_files(case: Case) -> str:
    import tempfile

    folder = tempfile.mkdtemp()
    os.chmod(folder, 0)
    return folder


def keeps_compiled_code(case: Case) -> str:
    """What importing parts of PyTorch does."""
    folder = os.environ["TORCHINDUCTOR_CACHE_DIR"]
    os.makedirs(folder, exist_ok=True)
    return f"{os.getpid()} {folder}"


def answers_with_a_function(case: Case) -> Callable[..., object]:
    """What stands in the verdict as its evidence would be called where it is read."""
    return ReadMe()  # type: ignore[return-value]


class ReadMe:
    def __str__(self) -> str:
        return EvilText("evil")

    def __format__(self, _: str) -> str:
        return EvilText("evil")


class EvilText(str):
    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return os.mkdir, (os.environ["COUNTED"],)


POISONED: list[str] = []


def waits(case: Case) -> None:
    time.sleep(0.2)


def changes(case: Case) -> None:
    """What the case's first tag says, by its exchange or by its call."""
    exec("import cmath, json, logging, math, operator, statistics, sys, tempfile, time, types\n" + case.tags[0])


def switches(case: Case) -> list[object]:
    logging = sys.modules.get("logging")
    disabled = logging.root.manager.disable if logging else 0
    limit = getattr(sys, "tracebacklimit", None)
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    return [tempfile.gettempdir(), time.tzname, sys.get_int_max_str_digits(), limit, disabled, gc.get_debug(), cores]


def rounds_up(case: Case) -> None:
    upward = {"x86_64": 0x800, "aarch64": 0x400000}[platform.machine()]
    assert ctypes.CDLL("libm.so.6").fesetround(upward) == 0
    assert rounding(case) != 0.0


def rounding(case: Case) -> float:
    """What is left of a number in the sum with a far larger one."""
    small = float("1e-30")  # no constant: its sum would be taken when this module is compiled
    return 1.0 + small - 1.0


def disturbs(case: Case) -> None:
    os.chdir("/")
    os.environ["WORD"] = "disturbed"
    sys.path.insert(0, "/nowhere")
    warnings.simplefilter("error")
    random.seed(1)


def surroundings(case: Case) -> tuple[str, str, bool, bool, float]:
    strict = any(entry[0] == "error" for entry in warnings.filters)
    return os.getcwd(), os.environ.get("WORD", ""), "/nowhere" in sys.path, strict, random.random()


def audit_with_power(case: Case, *, threads: int) -> Verdict:
    """An audit with a self-test, of which cases that are not ``ok`` never see the end."""
    if case.name != "ok":
        hangs(case)
    caught = Planted("gradient", "all zero", Catch.CAUGHT, 9.0, "d out/d x[0]")
    missed = Planted("gradient", "wrong sign", Catch.MISSED, 2.5, "d out/d x[0]")
    return Verdict(case.id, Status.PASS, power=(caught, missed))


audit_again = audit  #: by another name, for a task that has a fallback


def gives_no_verdict(case: Case, *, threads: int) -> str:
    """An audit, itself out of order."""
    return "fine"


def gives_no_status(case: Case, *, threads: int) -> Verdict:
    """Another one."""
    return Verdict(case.id, None)  # type: ignore[arg-type]


def passes_the_second_time(case: Case) -> int:
    try:
        os.mkdir("tried")
    except FileExistsError:
        return os.getpid()
    raise ValueError("not yet")
