"""Implements group commit: one transaction serves the same request of several threads.

With 200 threads, a worker would spend most of its time on one transaction a thread. A thread that comes while a group
is running joins the next one: groups grow with the load, and a thread that is alone waits for none. (PostgreSQL's
manual, `commit_delay` and `commit_siblings`, has the idea for the log; here the statements are shared as well.)
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import structlog

from bureau.ledger.db.database import LedgerUnavailable
from bureau.ledger.db.deferred import Deferred

Key = TypeVar("Key")
Wish = TypeVar("Wish")
Answer = TypeVar("Answer")

GROUP_AT_MOST = 50  # bounds how long the group's rows stay locked
LINGER_SECONDS = 0.01  # about as long as the commit of a group takes on a busy machine
REMEMBERED_GROUPS = 8  # the largest of so many groups is what the next one waits for

log = structlog.get_logger(__name__)


class _Wish(Generic[Wish, Answer]):
    """Holds a wish and lets its thread wait for the answer."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.answer: Answer | Deferred = Deferred.FAILED
        self.asked = False
        self._done = threading.Lock()
        self._done.acquire()

    def deliver(self, answer: Answer | Deferred) -> None:
        self.answer = answer
        self._done.release()

    def wait(self) -> Answer | Deferred:
        self._done.acquire()
        return self.answer


class GroupCommit(Generic[Wish, Answer]):
    """Groups the wishes of many threads; `act` takes a group of them and answers in their order.

    `act` must not wait for locks: a lock that is held long would delay all later groups. It answers `Deferred` for a
    wish that needs a wait, and if `act` raises, the whole group gets `Deferred`: each caller then acts alone.

    The first thread of a group waits for as many as the largest of the last groups had, for `LINGER_SECONDS` at most:
    threads that were answered together come back together, and without the wait the first of them would get a
    transaction of its own each time. A thread does not wait while all groups were of one. `expected` returns how many
    threads may come with a wish soon, where the caller knows: no more than these are waited for.
    """

    def __init__(
        self,
        act: Callable[[Sequence[Wish]], Sequence[Answer | Deferred]],
        *,
        expected: Callable[[], int] | None = None,
    ) -> None:
        self._act = act
        self._expected = expected
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._company = threading.Event()  # set when as many wait as the group's first thread waits for
        self._awaited = 0
        self._sizes = deque([1], maxlen=REMEMBERED_GROUPS)
        self._waiting: list[_Wish[Wish, Answer]] = []

    def __call__(self, wish: Wish) -> Answer | Deferred:
        """Returns the answer to a wish; `Deferred` asks the caller to act alone."""
        mine: _Wish[Wish, Answer] = _Wish(wish)
        with self._lock:
            self._waiting.append(mine)
            if 0 < self._awaited <= len(self._waiting):
                self._company.set()
        with self._turn:  # another thread may have handled this wish by the time this one gets its turn
            while not mine.asked:
                self._linger()
                self._ask()
        return mine.wait()

    def _linger(self) -> None:
        with self._lock:
            self._awaited = min(self._company_of(max(self._sizes)), GROUP_AT_MOST)
            if len(self._waiting) >= self._awaited:
                self._awaited = 0
                return
            self._company.clear()
        self._company.wait(LINGER_SECONDS)

    def _company_of(self, largest: int) -> int:
        """Returns for how many wishes to wait: one more than before where the caller says that more may come."""
        if largest == 1:
            return 0
        return largest if self._expected is None else min(self._expected(), largest + 1)

    def _ask(self) -> None:
        with self._lock:
            self._awaited = 0
            group, self._waiting = self._waiting[:GROUP_AT_MOST], self._waiting[GROUP_AT_MOST:]
        self._sizes.append(len(group))
        for one in group:
            one.asked = True
        answers: Sequence[Answer | Deferred] = [Deferred.FAILED] * len(group)
        try:
            answers = self._act([one.wish for one in group])
        except LedgerUnavailable:
            pass  # each caller meets it alone, and knows what to do
        except Exception:
            log.exception("a group failed; each of its items is tried alone")
        finally:  # in every case: no thread is left waiting
            for one, answer in zip(group, answers, strict=True):
                one.deliver(answer)


class GroupCommitByKey(Generic[Key, Wish, Answer]):
    """Keeps a group commit for each key while a thread is in it.

    `act` may wait for locks: it delays only its own key.
    """

    def __init__(self, act: Callable[[Sequence[Wish]], Sequence[Answer | Deferred]]) -> None:
        self._act = act
        self._lock = threading.Lock()
        self._groups: dict[Key, GroupCommit[Wish, Answer]] = {}
        self._inside: Counter[Key] = Counter()

    def __call__(self, key: Key, wish: Wish) -> Answer | Deferred:
        """Returns the answer to a wish; `Deferred` asks the caller to act alone."""
        with self._lock:
            group = self._groups.setdefault(key, GroupCommit(self._act))
            self._inside[key] += 1
        try:
            return group(wish)
        finally:
            with self._lock:
                self._inside[key] -= 1
                if not self._inside[key]:
                    del self._groups[key], self._inside[key]
