"""What a case leaves behind in its process: undone where that is possible, and told where it is not.

A worker that a case has changed for good is replaced before the next case. All of this is cheap enough to be looked
at after each one. It sees the state of the interpreter, of the C library and of NumPy, and the functions of modules
that were there before user code came. It does not see what user modules keep for themselves.
"""

import _signal  # type: ignore[import-not-found]
import contextlib
import ctypes
import gc
import locale
import os
import resource
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from functools import cache, partial
from operator import is_, itemgetter
from typing import Any

from gradaudit.isolation import files, rounding, scratch

#: modules whose attributes are compared one by one, where they are loaded: what functions of numbers are made of
WATCHED = ("builtins", "math", "random", "time", "numpy", "numpy.linalg", "numpy.random", "numpy.fft")
FURTHER = ("cmath", "operator", "statistics", "os", "posixpath")  #: where it costs next to nothing to look at them
CONSTANT = ("math", "cmath", "numpy")  #: of these, whose numbers are compared too: other modules count in theirs
SPARE_DESCRIPTORS = 64  #: that a case may leave open: libraries keep files of their own

_SIGNALS = [int(number) for number in signal.Signals if number not in (signal.SIGKILL, signal.SIGSTOP)]
_handler_of = _signal.getsignal  # the public one makes an enumeration of each: ten times as slow
_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
_RESOURCES = tuple(
    getattr(resource, f"RLIMIT_{name}") for name in ("AS", "CORE", "CPU", "DATA", "FSIZE", "NOFILE", "NPROC", "STACK")
)
_LIBC = ctypes.CDLL(None)
_ENVIRON = ctypes.POINTER(ctypes.c_char_p).in_dll(_LIBC, "environ")  #: follows when it is moved
_MISSING = object()


class Clean:
    """The state of this process before its first case, to which it goes back after each."""

    def __init__(self) -> None:
        self._names = tuple(os.environ._data.items())  # type: ignore[attr-defined]
        self._variables = c_environment()
        self._folder = os.getcwd()
        self._path = list(sys.path)
        self._handlers = [_handler_of(number) for number in _SIGNALS]
        self._blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self._limits = [resource.getrlimit(which) for which in _RESOURCES]
        self._recursion = sys.getrecursionlimit()
        self._locale = locale.setlocale(locale.LC_ALL)
        self._umask = _umask()
        self._cores = _cores()
        self._round_as_before = rounding.keeper_of()
        self._collects = gc.isenabled(), gc.get_threshold(), gc.get_debug()
        self._hooks = [(holder, name, getattr(holder, name, _MISSING)) for holder, name in _HOOKS]
        self._digits = sys.get_int_max_str_digits()
        self._audited: list[object] = []  #: hooks that a case has added, and that nobody can list or remove
        sys.addaudithook = partial(_add_audit_hook, sys.addaudithook, self._audited)
        self._importers = list(sys.meta_path), list(sys.path_hooks)
        names = (*WATCHED, *FURTHER) if VERSIONED else WATCHED
        watched = {name: sys.modules[name] for name in names if name in sys.modules}
        self._attributes = [_Snapshot(sys.modules, _lasting_modules() if VERSIONED else watched)]
        self._attributes += [_Snapshot(vars(m), _lasting(vars(m), name in CONSTANT)) for name, m in watched.items()]
        self._zone = time.tzname
        self._descriptor = files.next_descriptor()
        numpy = sys.modules.get("numpy")
        self._generator = numpy and numpy.random.get_bit_generator()
        # the folder for temporary files is this worker's own, unless the suite names another
        folder = os.environ.get("TMPDIR", "")
        self._temporary = folder if scratch.PREFIX in folder else None
        self._temporary_since = _changed_at(folder) if self._temporary else 0

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Run a case inside: the warnings' filters, NumPy's error state and its way to print end with it."""
        numpy = sys.modules.get("numpy")
        with warnings.catch_warnings():
            if numpy is None or _has_contexts(numpy.__version__):  # then they end with the context that a case runs in
                yield
            else:
                with numpy.errstate(), numpy.printoptions():
                    yield

    def restore(self) -> tuple[str, ...]:
        """Undo what the last case changed. Gives what cannot be undone: then no other case may run here."""
        left: list[str] = []
        for step in (
            self._restore_signals,
            self._restore_interpreter,
            self._restore_surroundings,
            self._restore_limits,
        ):
            try:
                left += step() or ()
            except Exception as problem:
                left.append(f"its process could not be restored: {problem}")
        return (*left, *self._changed_for_good())

    def _restore_signals(self) -> None:
        for timer in _TIMERS:
            signal.setitimer(timer, 0)
        for number, handler in zip(_SIGNALS, self._handlers, strict=True):
            if _handler_of(number) is not handler:
                # None: it was not Python's, and whoever needs it puts it back
                signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if signal.pthread_sigmask(signal.SIG_BLOCK, ()) != self._blocked:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._blocked)

    def _restore_interpreter(self) -> None:
        self._round_as_before()
        sys.settrace(None)
        sys.setprofile(None)
        sys.setrecursionlimit(self._recursion)
        for holder, name, value in self._hooks:
            if getattr(holder, name, _MISSING) is not value:
                delattr(holder, name) if value is _MISSING else setattr(holder, name, value)
        sys.set_int_max_str_digits(self._digits)
        if (logging := sys.modules.get("logging")) is not None and logging.root.manager.disable:
            logging.disable(logging.NOTSET)
        enabled, thresholds, told = self._collects
        gc.enable() if enabled else gc.disable()
        gc.set_threshold(*thresholds)
        gc.set_debug(told)
        sys.path[:] = self._path
        sys.meta_path[:], sys.path_hooks[:] = self._importers
        if self._generator and sys.modules["numpy"].random.get_bit_generator() is not self._generator:
            sys.modules["numpy"].random.set_bit_generator(self._generator)

    def _restore_surroundings(self) -> None:
        os.umask(self._umask)
        if locale.setlocale(locale.LC_ALL) != self._locale:
            locale.setlocale(locale.LC_ALL, self._locale)
        if _here() != self._folder:
            os.chdir(self._folder)
        if _cores() != self._cores:
            os.sched_setaffinity(0, self._cores)
        names = os.environ._data  # type: ignore[attr-defined]
        if tuple(names.items()) != self._names or c_environment() != self._variables:
            self._restore_environment(names)
            time.tzset()
        if time.tzname is not self._zone:
            time.tzset()
            self._zone = time.tzname
        if tempfile.tempdir not in (None, self._temporary):  # found again, in the environment
            tempfile.tempdir = None

    def _restore_environment(self, names: dict[bytes, bytes]) -> None:
        _LIBC.clearenv()
        names.clear()
        names.update(self._names)
        for name, value in self._names:
            os.putenv(name, value)

    def _restore_limits(self) -> list[str]:
        lowered = []
        for which, before in zip(_RESOURCES, self._limits, strict=True):
            if resource.getrlimit(which) != before:
                try:
                    resource.setrlimit(which, before)
                except (OSError, ValueError):  # the hard limit was lowered: no way back
                    lowered.append("a lowered resource limit")
        return lowered[:1]

    def _changed_for_good(self) -> Iterator[str]:
        threads = len(sys._current_frames()) - 1
        if threads:
            yield f"{threads} {'thread' if threads == 1 else 'threads'} still running"
        if _has_children():
            yield "a child process"
        if self._audited:
            yield "an audit hook of Python"
        if self._has_temporary_files():
            yield "temporary files"
        if files.next_descriptor() > self._descriptor + SPARE_DESCRIPTORS:
            yield "many open files"
        if not all(snapshot.holds() for snapshot in self._attributes):
            yield "replaced modules or functions, or constants, of Python or NumPy"

    def _has_temporary_files(self) -> bool:
        if self._temporary is None or _changed_at(self._temporary) == self._temporary_since:
            return False
        with contextlib.suppress(FileNotFoundError):
            return bool(os.listdir(self._temporary))
        return True  # the folder itself is gone: the next case needs one


#: what the interpreter calls or reads at certain moments
_HOOKS: tuple[tuple[Any, str], ...] = (
    (sys, "tracebacklimit"),
    (sys, "excepthook"),
    (sys, "unraisablehook"),
    (sys, "displayhook"),
    (sys, "argv"),
    (sys, "stdin"),
    (sys, "dont_write_bytecode"),
    (threading, "excepthook"),
    (threading, "_trace_hook"),
    (threading, "_profile_hook"),
    (warnings, "showwarning"),
)


def _add_audit_hook(add: Callable[[Any], object], added: list[object], hook: Any) -> None:
    """``sys.addaudithook``, which is remembered."""
    added.append(hook)
    add(hook)


def c_environment() -> list[bytes]:
    """The environment as compiled code sees it; ``os.putenv`` changes it behind Python's back."""
    found: list[bytes] = []
    while _ENVIRON and (entry := _ENVIRON[len(found)]) is not None:
        found.append(entry)
    return found


@cache
def _has_contexts(version: str) -> bool:
    """Whether this NumPy keeps its error state and its way to print in context variables."""
    major, minor = version.split(".")[:2]
    return (int(major), int(minor)) >= (2, 2)


def _lasting_modules() -> dict[str, Any]:
    """All that are loaded; libraries may exchange the one that was started, for a moment or for good."""
    return {name: module for name, module in sys.modules.items() if name != "__main__"}


def _lasting(namespace: dict[str, Any], numbers: bool) -> dict[str, Any]:
    """What a module's users may rely on to be what it was: all that can be called, and where it is wanted, numbers."""
    return {
        name: value
        for name, value in namespace.items()
        if callable(value) or (numbers and type(value) in (int, float, complex))
    }


class _Snapshot:
    """Things in a namespace (``held``; not given: all that can be called), to see whether they are still the same."""

    def __init__(self, namespace: dict[str, Any], held: dict[str, Any] | None = None) -> None:
        held = held or _lasting(namespace, numbers=False)
        self._namespace = namespace
        self._values = tuple(held.values())
        self._pick = itemgetter(*held)
        self._version = _version_of(namespace) if VERSIONED else None
        self._seen = -1  #: version of the namespace at which they were the same

    def holds(self) -> bool:
        """By identity: a comparison could call what a case has put there."""
        if self._version is None:
            return self._looked()
        before = self._version.value
        if before != self._seen:
            if not self._looked():
                return False
            self._seen = before
        return True

    def _looked(self) -> bool:
        try:
            return all(map(is_, self._pick(self._namespace), self._values))
        except KeyError:
            return False


def _version_of(namespace: dict[str, Any]) -> ctypes.c_uint64:
    """The number that CPython 3.11 and 3.12 give a dict at each change (PEP 509), read where it stands in memory.

    Looking at hundreds of functions one by one takes a tenth of a millisecond when other code has used the caches.
    """
    return ctypes.c_uint64.from_address(id(namespace) + object.__basicsize__ + ctypes.sizeof(ctypes.c_ssize_t))


def _has_versions() -> bool:
    """Whether this interpreter gives such numbers: a changed value, and an exchange that is undone, must show."""
    tried: dict[str, Any] = {"a": 1, "b": 2}
    version, seen = _version_of(tried), set[int]()
    for value in (3, 1, 3, 1):
        seen.add(version.value)
        tried["a"] = value
    return len(seen) == 4 and version.value not in seen


VERSIONED = _has_versions()  #: elsewhere every function is looked at


def _changed_at(folder: str) -> int:
    """When something was last made or removed in it, in ns: quicker to ask than what is there."""
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:  # removed
        return 0


def _umask() -> int:
    found = os.umask(0o077)
    os.umask(found)
    return found


def _cores() -> set[int]:
    """Those that this process may use; none where the system has no word for it."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def _here() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # removed
        return None


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
