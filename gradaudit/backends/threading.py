"""As many keepers as jobs, each with its own child, minded by joblib's threads of this process."""

from collections import deque
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from queue import SimpleQueue

from gradaudit.backends import sequential
from gradaudit.backends._joblib import as_finished
from gradaudit.backends._shift import shift
from gradaudit.isolation.keeper import Keeper, Task
from gradaudit.judge.verdict import Verdict

Answer = tuple[int, Verdict]


def run(many: Sequence[Task], alone: Sequence[Task], *, jobs: int) -> Generator[Answer, None, None]:
    """(index, verdict) as cases finish: ``many`` with ``jobs`` at a time, then ``alone`` in a child that is warm."""
    if jobs == 1:  # for one, joblib has no thread: it would work only while somebody asks it for answers
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
        stack.enter_context(as_finished(work, keepers, jobs=jobs, backend="threading"))
        for keeper in keepers:  # entered last, so closed first: joblib then waits for no case
            stack.enter_context(keeper)
        yield from _until_all_are_done(answers, jobs)
        yield from shift(keepers[0], deque(alone))


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
