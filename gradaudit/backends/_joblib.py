"""joblib's pools, as a context that can be left at any moment."""

import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager

from gradaudit.backends._keeper import Task
from gradaudit.judge.verdict import Verdict

Finished = Generator[tuple[int, Verdict], None, None]


@contextmanager
def as_finished(
    audit: Callable[[Task], tuple[int, Verdict]], tasks: Sequence[Task], *, jobs: int, backend: str
) -> Iterator[Finished]:
    """The answers of ``audit`` to ``tasks``, as they finish, from ``jobs`` workers of joblib's ``backend``."""
    from joblib import Parallel, delayed

    parallel = Parallel(
        n_jobs=jobs,
        backend=backend,
        return_as="generator_unordered",
        batch_size=1,  # a verdict is on disk as soon as its case has finished
        max_nbytes=None,  # no memory-mapped files: cases are small
    )
    finished: Finished = parallel(delayed(audit)(task) for task in tasks)
    try:
        yield (answer for answer in finished)  # wrapped: 'yield from' would close joblib's own, which warns
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that tasks were cancelled: so it was meant
            finished.close()
