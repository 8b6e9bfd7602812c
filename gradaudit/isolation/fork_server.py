"""A clean process that has imported the audit and forks workers from itself: a worker is there in milliseconds.

It runs no user code and has no threads, so that a fork of it is safe: one by itself, as the nursery of another keeper
in the same process, too. On Linux it adopts every process that its worker started, also those that detached themselves,
and ends all of them with the worker. It ends itself when its keeper does. Where forking is not safe it becomes the
first worker that is asked for.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import resource
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from gradaudit.isolation import scratch, sibling, worker

FORKS = sys.platform == "linux"  #: elsewhere system libraries start threads, which a fork does not survive
PATIENCE = 5.0  #: s for killed processes to be gone; one inside a broken device may never be
TIDYING = 1.0  #: s for Python's trackers of resources to remove what others have left in shared memory
#: Where libraries keep what they have compiled, by the variable that names it: for all workers, and nothing that a case
#: leaves behind.
CACHES = {"TORCHINDUCTOR_CACHE_DIR": "torchinductor"}
#: Descriptors that come with an order. For a worker: requests, answers, lifeline, traces, and one for what is printed;
#: for a twin: its own control, and one for its last words.
DESCRIPTORS = {"fork": 5, "twin": 2, "end": 0}

_BECOME_PARENT_OF_ORPHANS = 36  #: PR_SET_CHILD_SUBREAPER of prctl(2)


def main(control: int, audit: str, folder: str, *, files: int) -> None:
    """Follow the keeper's orders on the socket ``control`` until it closes. ``folder`` is for temporary files;
    ``files`` is how many a worker may have open.

    An order is a line of JSON. ``{"fork": {name: value, …}}`` comes with the descriptors of a worker and names its
    environment; the answer is its process number. ``{"end": true}`` ends the worker with all that it started; the
    answer is how it ended, as ``subprocess`` has it. ``{"twin": folder}`` comes with the descriptors of a new nursery,
    whose keeper lives in the same process; it answers itself, with its process number, and there is no answer here.
    """
    _adopt_orphans()
    _allow_files(files)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # inherited: a ray worker blocks Ctrl-C, and cases can see it
    importlib.import_module(audit.partition(":")[0])
    _preload()
    gc.freeze()  # what is here stays shared with the workers
    keeper = socket.socket(fileno=control)
    _Nursery(keeper, audit, folder).serve()
    os._exit(0)


class _Nursery:
    """At most one worker at a time."""

    def __init__(self, keeper: socket.socket, audit: str, folder: str) -> None:
        self.audit = audit
        self.begin(keeper, folder)

    def begin(self, keeper: socket.socket, folder: str) -> None:
        self.keeper = keeper
        self.worker = 0  #: its process number
        self.folder = folder
        self.worker_folder = ""
        self.text, self.descriptors = b"", list[int]()  #: of orders that have arrived, and wait for their turn

    def serve(self) -> None:
        with contextlib.suppress(ConnectionError):  # the keeper was killed before it had read an answer
            while (order := self.receive()) is not None:
                self.follow(order)
        self.end()
        scratch.remove(self.folder)

    def follow(self, order: Mapping[str, Any]) -> None:
        ((kind, words),) = order.items()
        descriptors = [self.descriptors.pop(0) for _ in range(DESCRIPTORS[kind])]
        if kind == "fork":
            self.fork(words, descriptors)
        elif kind == "twin":
            self.fork_twin(words, *descriptors)
        else:
            self.answer(self.end())
        for descriptor in descriptors:
            os.close(descriptor)

    def receive(self) -> dict[str, Any] | None:
        while b"\n" not in self.text:
            # worker's descriptors are no business of the programs that user code starts
            cloexec = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
            piece, found, _, _ = socket.recv_fds(self.keeper, 1 << 16, max(DESCRIPTORS.values()), cloexec)
            if not piece:
                return None
            self.text += piece
            self.descriptors += found
        line, _, self.text = self.text.partition(b"\n")
        order: dict[str, Any] = json.loads(line)
        return order

    def answer(self, value: int | None) -> None:
        self.keeper.sendall(json.dumps(value).encode() + b"\n")

    def fork(self, env: Mapping[str, str], descriptors: list[int]) -> None:
        self.worker_folder = scratch.make(self.folder)
        caches = {name: os.path.join(self.folder, cache) for name, cache in CACHES.items() if name not in os.environ}
        environment = {"TMPDIR": self.worker_folder, **caches, **env}
        self.worker = os.fork() if FORKS else 0
        if self.worker == 0:
            self.become_worker(environment, descriptors)
        self.answer(self.worker)

    def fork_twin(self, folder: str, control: int, words: int) -> None:
        """A nursery as this one was at its start; where none can be had, its keeper finds its socket closed."""
        process = -1
        if FORKS:
            with contextlib.suppress(OSError):
                process = sibling.fork()
        if process == 0:
            self.become_twin(folder, control, words)

    def become_twin(self, folder: str, control: int, words: int) -> None:
        os.setsid()
        _adopt_orphans()  # not inherited
        os.dup2(words, 2)
        self.leave_keeper()
        self.begin(socket.socket(fileno=os.dup(control)), folder)
        self.answer(os.getpid())

    def leave_keeper(self) -> None:
        """In a fork: the orders that come are not for this process."""
        self.keeper.close()
        for descriptor in self.descriptors:
            os.close(descriptor)

    def become_worker(self, environment: Mapping[str, str], descriptors: list[int]) -> NoReturn:
        requests, answers, lifeline, traces, printed = descriptors
        if FORKS:
            os.setsid()
        else:
            self.answer(os.getpid())
        self.leave_keeper()
        for standard in (1, 2):
            os.dup2(printed, standard)
        del sys.stdout, sys.stderr  # those of the nursery led elsewhere
        os.environ.update(environment)
        tempfile.tempdir = None  # found again, in the environment
        try:
            nursery = os.getppid() if FORKS else None
            worker.main(requests, answers, lifeline, traces, printed, self.audit, nursery=nursery)
        except BaseException:
            traceback.print_exc()
            os._exit(1)  # never back into the loop of the nursery
        os._exit(0)

    def end(self) -> int | None:
        """Kill the worker and everything that it has started; how it ended."""
        returncode, self.worker = _end_all(self.worker), 0
        scratch.remove(self.worker_folder)
        return returncode


def children() -> list[int]:
    """The processes that this one is the parent of, adopted ones included."""
    process = os.getpid()
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _end_all(wanted: int) -> int | None:
    returncode, now = None, time.monotonic()
    deadline, tidying = now + PATIENCE, now + TIDYING
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if wanted:  # its group at once: processes that fork as fast as they can would be ahead of us one by one
            os.killpg(wanted, signal.SIGSTOP)
    # whoever dies hands its children to us: so it goes on until nobody is left
    while time.monotonic() < deadline:
        for child in children() if FORKS else ():
            spared = time.monotonic() < tidying and _tidies(child)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(child, signal.SIGCONT if spared else signal.SIGKILL)
        try:
            ended, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
        if ended == wanted:
            returncode = os.waitstatus_to_exitcode(status)
        if ended == 0:
            time.sleep(0.0005)
    return returncode


def _tidies(process: int) -> bool:
    """Whether it is a tracker of ``multiprocessing`` or joblib: it ends by itself, once nobody is left to track."""
    with contextlib.suppress(OSError):
        return b"resource_tracker import main" in Path(f"/proc/{process}/cmdline").read_bytes()
    return False


def _preload() -> None:
    """Import the parts that nearly every case needs, and no framework: no worker has to do it again."""
    for shelf in ("gradaudit.engines", "gradaudit.checks"):
        folder = sys.modules[shelf].__path__ if shelf in sys.modules else []
        for part in pkgutil.iter_modules(folder):
            if not part.name.startswith("_"):
                importlib.import_module(f"{shelf}.{part.name}")
    if "numpy" in sys.modules:
        importlib.import_module("numpy.ma")  # NumPy's own functions import it when they are first called
    for module in ("cmath", "statistics"):  # what is here is seen when a case changes it
        importlib.import_module(module)


def _allow_files(count: int) -> None:
    """What a keeper with many jobs allows itself is no business of its cases."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # the keeper's own was lowered meanwhile
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, most))


def _adopt_orphans() -> None:
    if FORKS:
        ctypes.CDLL(None).prctl(_BECOME_PARENT_OF_ORPHANS, 1, 0, 0, 0)
