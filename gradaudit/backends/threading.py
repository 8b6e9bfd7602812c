"""As many keepers as jobs, each with its own child, minded by a thread of this process.

Not by joblib's: to import it, and NumPy with it, takes this process longer than all else before its first case.
"""

from collections import deque
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from queue import SimpleQueue
from threading import Thread

from gradaudit.backends import sequential
from gradaudit.backends._shift import shift
from gradaudit.isolation.keeper import Keeper, Task
from gradaudit.judge.verdict import Verdict

Answer = tuple[int, Verdict]


def run(many: Sequence[Task], alone: Sequence[Task], *, jobs: int) -> Generator[Answer, None, None]:
    """(index, verdict) as cases finish: ``many`` with ``jobs`` at a time, then ``alone`` in a child that is warm."""
    if jobs == 1:  # no thread is needed
        yield from sequential.run(many, alone, jobs=1)
        return
    queue, answers = deque(many), SimpleQueue[Answer | BaseException | None]()

    def work(keeper: Keeper) -> None:
        try:
            for answer in shift(keeper, queue):
                answers.put(answer)
            answers.put(None)
        except BaseException as problem:
            answers.put(problem)

    with ExitStack() as stack:
        keepers = [Keeper() for _ in range(jobs)]
        threads = [Thread(target=work, args=(keeper,), daemon=True) for keeper in keepers]
        stack.callback(_join, threads)
        for keeper in keepers:  # entered last, so closed first: no thread then waits for a case
            stack.enter_context(keeper)
        for thread in threads:
            thread.start()
        yield from _until_all_are_done(answers, jobs)
        yield from shift(keepers[0], deque(alone))


def _join(threads: Sequence[Thread]) -> None:
    for thread in threads:
        if thread.ident is not None:  # where the system refused one, the later ones were not started
            thread.join()


def _until_all_are_done(
    answers: "SimpleQueue[Answer | BaseException | None]", workers: int
) -> Generator[Answer, None, None]:
    while workers:
        answer = answers.get()
        if isinstance(answer, BaseException):
            raise answer
        if answer is None:
            workers -= 1
        else:
            yield answer
