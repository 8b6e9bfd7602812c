"""Which workers of a dask cluster may take a case: those that are in order, were heard of lately and are not overdue.

A worker tells its scheduler about once a second that it lives, whatever it works at: user code is in children. One that
says nothing is frozen or cut off, long before dask gives it up (5 minutes); it may be back at any time.
"""

from collections.abc import Collection, Iterable, Mapping

#: s without a word after which a worker is taken for frozen; if it is not, a case is done twice, no more
SILENCE = 20.0


class Roster:
    """The workers by address. Those in ``admitted`` were found in order; None: all are, the later ones too.

    The run, its watch and the questions to newcomers have a thread each: what one iterates over is a copy.
    """

    def __init__(self, admitted: Iterable[str] | None = None) -> None:
        self._admitted = None if admitted is None else set(admitted)
        self._present: frozenset[str] = frozenset()
        self._silent: frozenset[str] = frozenset()
        self._overdue: set[str] = set()
        self._strangers: dict[str, str] = {}  #: why each is not admitted; "" while it is being asked

    def update(self, silence: Mapping[str, float]) -> list[str]:
        """Take note of who is there, and for how many seconds each has been silent; who must be asked before a case."""
        self._present = frozenset(silence)
        self._silent = frozenset(worker for worker, seconds in silence.items() if seconds > SILENCE)
        if silence:  # otherwise it is the scheduler who says nothing
            self._overdue &= self._present
        known = self._present if self._admitted is None else self._admitted | self._strangers.keys()
        newcomers = sorted(self._present - known - self._silent)
        self._strangers.update(dict.fromkeys(newcomers, ""))
        return newcomers

    def judge(self, worker: str, problem: str) -> None:
        """Admit a newcomer, or keep it from every case because of ``problem``."""
        if problem:
            self._strangers[worker] = problem
            return
        del self._strangers[worker]
        if self._admitted is not None:
            self._admitted.add(worker)

    def suspect(self, workers: Iterable[str]) -> None:
        """These have a case in hand for longer than it may take."""
        self._overdue |= set(workers)

    def heard(self, worker: str) -> None:
        """It began a case or ended one: it works again."""
        self._overdue.discard(worker)

    def usable(self) -> frozenset[str]:
        """Who may take a case now."""
        fit = self._present if self._admitted is None else self._present & self._admitted
        return fit - self._silent - self._overdue

    def is_silent(self, workers: Collection[str]) -> bool:
        """Whether something is with these, and only with these, and they say nothing."""
        return bool(workers) and self._silent.issuperset(workers)

    def is_overdue(self, workers: Collection[str]) -> bool:
        """Whether something is with these, and only with these, and they are at a case that should have ended."""
        return bool(workers) and self._overdue.issuperset(workers)

    def is_hopeful(self) -> bool:
        """Whether a case can be taken now, or may be soon."""
        return bool(self.usable()) or any(not why for why in list(self._strangers.values()))

    def targets(self) -> frozenset[str] | None:
        """Who a case may be sent to, None for all. Where nobody is usable: whoever was, to come back or be replaced."""
        if self._admitted is None and not (self._silent or self._overdue):
            return None
        return self.usable() or (None if self._admitted is None else frozenset(self._admitted))

    def refused(self) -> list[str]:
        """Why workers that are there are not used."""
        return [why for worker, why in list(self._strangers.items()) if why and worker in self._present]
