"""joblib's pools, as a context that can be left at any moment."""

import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

Work = TypeVar("Work")
Answer = TypeVar("Answer")


@contextmanager
def as_finished(
    audit: Callable[[Work], Answer], tasks: Sequence[Work], *, jobs: int, backend: object, ahead: str = "2 * n_jobs"
) -> Iterator[Generator[Answer, None, None]]:
    """The answers of ``audit`` to ``tasks``, as they finish, from ``jobs`` workers.

    ``backend`` is one of joblib's, or its name. It gets so many tasks ``ahead`` of their turn.
    """
    from joblib import Parallel, delayed

    parallel = Parallel(
        n_jobs=jobs,
        backend=backend,
        return_as="generator_unordered",
        batch_size=1,
        pre_dispatch=ahead,
        max_nbytes=None,  # no memory-mapped files: cases are small
    )
    finished: Generator[Answer, None, None] = parallel(delayed(audit)(task) for task in tasks)
    try:
        yield (answer for answer in finished)  # wrapped: 'yield from' would close joblib's own, which warns
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that tasks were cancelled: so it was meant
            finished.close()
