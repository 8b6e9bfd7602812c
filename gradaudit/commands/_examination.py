"""What this machine can do for gradaudit: a finding for each thing looked at. Frameworks are found, not imported.

Every look is a function that gives findings and raises nothing: what cannot even be looked at is a finding too.
"""

import importlib
import importlib.metadata
import locale
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TextIO

from gradaudit import libraries
from gradaudit.commands._speech import takes_colour
from gradaudit.running import provenance
from gradaudit.suite.shelves import parts

WORKER_LIMIT = 120.0  #: s for a worker to start and audit one case, on a cold and busy machine
PACKAGES = ("numpy", "numba", "scipy", "PyYAML", "joblib", "pydantic", "click", "Jinja2", "rich")  #: that all runs need
DISTRIBUTIONS = {"dask": "distributed"}  #: backend: what it is called with PyPI, where that differs
THREADING_LAYERS = {"tbb": "tbbpool", "omp": "omppool", "workqueue": "workqueue"}  #: of Numba, and their modules


class State(StrEnum):
    """How well one thing is."""

    OK = "ok"
    WARN = "warn"  #: runs work without it, or are slower, or tell less
    FAIL = "fail"  #: no run works


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    state: State
    said: str
    fix: str = ""


def examine(*, reports: Path, terminal: TextIO) -> Iterator[Finding]:
    """Everything, as it is found. ``reports`` is where runs go, ``terminal`` the stream that results go to."""
    looks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("python", _python),
        ("packages", _packages),
        ("cores", _cores),
        ("worker", _worker),
        ("numba", _numba),
        ("engines", _engines),
        ("backends", _backends),
        ("memory limit", _memory_limit),
        ("reports", lambda: _reports(reports)),
        ("git", _git),
        ("terminal", lambda: _terminal(terminal)),
    )
    for subject, look in looks:
        try:
            yield from look()
        except Exception as problem:  # a broken library may raise anything
            yield Finding(subject, State.FAIL, f"looking at it raised {type(problem).__name__}: {problem}")


def _python() -> Iterator[Finding]:
    said = f"{platform.python_implementation()} {platform.python_version()}, {platform.system()} {platform.machine()}"
    yield Finding("python", State.OK, said)


def _packages() -> Iterator[Finding]:
    missing = [package for package in PACKAGES if _version(package) is None]
    if missing:
        yield Finding("packages", State.FAIL, f"not installed: {', '.join(missing)}", "pip install gradaudit")
        return
    found = {package: _version(package) for package in ("gradaudit", *provenance.PACKAGES)}
    told = ", ".join(f"{package} {version}" for package, version in found.items() if version is not None)
    yield Finding("packages", State.OK, told)


def _cores() -> Iterator[Finding]:
    usable, machine = provenance.cores(), os.cpu_count() or 1
    yield Finding("cores", State.OK, f"{usable} of {machine} may be used: --jobs {usable} if left out")
    layers = [name for name, module in THREADING_LAYERS.items() if _loads(f"numba.np.ufunc.{module}")]
    said = f"one thread a case; Numba has {', '.join(layers) or 'no layer'} for functions that use more"
    yield Finding("threads", State.OK if layers else State.WARN, said)


def _worker() -> Iterator[Finding]:
    from gradaudit import backends
    from gradaudit.plan.case import Case, Drawn, Input, Settings, Target

    target = Target("gradaudit.ops:sin", claims=(("vjp", "gradaudit.ops:sin_vjp"),))
    inputs = (Input("x", Drawn((3,))),)
    case = Case(id="sin", name="sin", target=target, inputs=inputs, checks=("vjp",), settings=Settings())
    started = time.perf_counter()
    try:
        ((_, verdict),) = backends.run([case], timeout=WORKER_LIMIT)
    except Exception as problem:
        yield Finding("worker", State.FAIL, f"no worker process starts: {problem}")
        return
    seconds = time.perf_counter() - started
    if verdict.status != "pass":
        yield Finding("worker", State.FAIL, f"sin ends as {verdict.status}: {verdict.message}")
        return
    yield Finding("worker", State.OK, f"started, and audited sin, in {seconds:.2g} s")


def _numba() -> Iterator[Finding]:
    from gradaudit.perturb import kernels

    folders = {kernel.stats.cache_path for kernel in vars(kernels).values() if hasattr(kernel, "stats")} - {None}
    if not folders:
        fix = "set NUMBA_CACHE_DIR to a folder that can be written"
        yield Finding("numba cache", State.WARN, "no folder can be written: every process compiles anew", fix)
    for folder in sorted(folders):
        files = [file for file in Path(folder).glob("*.nb[ic]") if file.is_file()]
        size = sum(file.stat().st_size for file in files)
        yield Finding("numba cache", State.OK, f"{folder}: {len(files)} files, {size / 1e6:.1f} MB")


def _engines() -> Iterator[Finding]:
    for engine in parts("engines"):
        missing = libraries.missing(engine)
        if missing is not None:
            why, _, fix = missing.partition(": ")
            yield Finding(f"engine {engine}", State.WARN, why, fix)
        else:
            version = _version(engine) if engine in libraries.LIBRARIES or engine == "numba" else None
            yield Finding(f"engine {engine}", State.OK, version or "comes with gradaudit")


def _backends() -> Iterator[Finding]:
    for backend in ("dask", "ray"):
        if (version := _version(DISTRIBUTIONS.get(backend, backend))) is None:
            yield Finding(f"backend {backend}", State.WARN, "not installed", f"pip install 'gradaudit[{backend}]'")
        else:
            yield Finding(f"backend {backend}", State.OK, version)


def _memory_limit() -> Iterator[Finding]:
    from gradaudit.isolation import memory

    if (held := memory.resident(os.getpid())) > 0:
        yield Finding("memory limit", State.OK, f"--max-memory works; this process holds {held / 1e6:.0f} MB")
    else:
        said = "--max-memory has no effect: the system does not say what a process holds"
        yield Finding("memory limit", State.WARN, said, "it needs /proc, as Linux has it")


def _reports(folder: Path) -> Iterator[Finding]:
    there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=there):
            free = shutil.disk_usage(there).free
    except OSError as problem:
        fix = f"make {there} writable, or run in another folder"
        yield Finding("reports", State.FAIL, f"{folder} cannot be written: {problem.strerror}", fix)
        return
    yield Finding("reports", State.OK, f"{folder} can be written, {free / 1e9:.1f} GB free")


def _git() -> Iterator[Finding]:
    if shutil.which("git") is None:
        yield Finding("git", State.WARN, "not found: runs do not know their commit", "install git")
    elif commit := provenance.git().get("commit"):
        yield Finding("git", State.OK, f"commit {commit[:12]}")
    else:
        yield Finding("git", State.WARN, "this folder is in no repository: runs here do not know their commit")


def _terminal(stream: TextIO) -> Iterator[Finding]:
    encoding = stream.encoding or locale.getpreferredencoding(False)
    where = "a terminal" if stream.isatty() else "no terminal: plain text"
    none = "no colour, by NO_COLOR" if os.environ.get("NO_COLOR") else "no colour"
    colour = "colour" if takes_colour(stream) else none
    is_unicode = encoding.lower().replace("-", "").startswith("utf")
    fix = "" if is_unicode else "set PYTHONIOENCODING=utf-8: what cannot be written is escaped"
    yield Finding("terminal", State.OK if is_unicode else State.WARN, f"{where}, {colour}, {encoding}", fix)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _loads(module: str) -> bool:
    try:
        importlib.import_module(module)
    except ImportError:  # its library is missing, or a package above it
        return False
    return True
