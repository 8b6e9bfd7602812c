"""The environment of a worker: what must stand before the interpreter starts, and what a fork can still be given."""

import os
from collections.abc import Iterable, Mapping

#: user code's own thread pools have one thread, always: sums split over threads would depend on the number of jobs
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "NPROC",  # XLA's pool: it reads no other variable, and its flag for one thread was measured to change nothing
    ),
    "1",
)

#: what joblib sets in the process that imports it, ours with loky, dask and ray: workers must not depend on that
AS_JOBLIB_LEAVES_IT = {"KMP_INIT_AT_FORK": "FALSE"}

#: read by Python, the loader, the C library or NumPy when they start: a fork of a running process is too late for them
EARLY = (
    *("PYTHON", "LD_", "DYLD_", "GLIBC_", "MALLOC_", "LC_", "LANG", "TZ", "NPY_", "NUMPY_", "OMP_", "GOMP_", "KMP_"),
    *("OPENBLAS_", "GOTO_", "MKL_", "BLIS_", "VECLIB_"),
)


def early(env: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The part of a suite's ``env`` that must stand before the interpreter starts."""
    return {name: value for name, value in env if name.startswith(EARLY)}


def late(env: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The rest of it."""
    return {name: value for name, value in env if not name.startswith(EARLY)}


def of_nursery(env: Mapping[str, str]) -> Mapping[str, str]:
    """The whole environment of a process that workers are forked from; ``env`` wins over what is set for all."""
    # a fixed hash seed: iteration over a set of strings must not change the order of a sum from run to run
    return {**AS_JOBLIB_LEAVES_IT, **os.environ, **ONE_THREAD, "PYTHONHASHSEED": "0", **env}
