"""Implements group commit: one transaction serves the same request of several threads.

With 200 threads, a worker would spend most of its time on one transaction a thread. A thread that comes while a group
is running joins the next one: groups grow with the load, and a thread that is alone waits for none. (PostgreSQL's
manual, `commit_delay` and `commit_siblings`, has the idea for the log; here the statements are shared as well.)
"""

import threading
import time
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
TOGETHER_SECONDS = 0.05  # threads that were answered together come back together within this time, or not at all
LINGER_SECONDS = 0.01  # about as long as the commit of a group takes on a busy machine
REMEMBERED_GROUPS = 8  # the largest of so many groups is what the next one waits for

log = structlog.get_logger(__name__)


class _Wish(Generic[Wish, Answer]):
    """Holds a wish and lets its thread wait until it is answered, or until the thread has to lead the next group."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.answer: Answer | Deferred = Deferred.FAILED
        self.leads = False
        self._woken = threading.Lock()
        self._woken.acquire()

    def lead(self) -> None:
        self.leads = True
        self._woken.release()

    def deliver(self, answer: Answer | Deferred) -> None:
        self.answer = answer
        self._woken.release()

    def wait(self) -> None:
        self._woken.acquire()


class GroupCommit(Generic[Wish, Answer]):
    """Groups the wishes of many threads; `act` takes a group of them and answers in their order.

    `act` must not wait for locks: a lock that is held long would delay all later groups. It answers `Deferred` for a
    wish that needs a wait, and if `act` raises, the whole group gets `Deferred`: each caller then acts alone.

    The first thread of a group waits for as many as the largest of the last groups had, for `linger_seconds` at most
    (`LINGER_SECONDS` if not given): threads that were answered together come back together, and without the wait the
    first of them would get a transaction of its own each time. A thread does not wait while all groups were of one.
    `expected` returns how many threads may come with a wish soon, where the caller knows: no more than these are waited
    for. Where it does not, nobody is waited for later than `TOGETHER_SECONDS` after the last group.
    """

    def __init__(
        self,
        act: Callable[[Sequence[Wish]], Sequence[Answer | Deferred]],
        *,
        expected: Callable[[], int] | None = None,
        linger_seconds: float | None = None,
    ) -> None:
        self._act = act
        self._expected = expected
        self._linger_seconds = LINGER_SECONDS if linger_seconds is None else linger_seconds
        self._lock = threading.Lock()
        self._led = False  # a thread leads a group, or was chosen for it
        self._company = threading.Event()  # set when as many wait as the group's first thread waits for
        self._awaited = 0
        self._sizes = deque([1], maxlen=REMEMBERED_GROUPS)
        self._answered_at = float("-inf")
        self._waiting: list[_Wish[Wish, Answer]] = []

    def __call__(self, wish: Wish) -> Answer | Deferred:
        """Returns the answer to a wish; `Deferred` asks the caller to act alone.

        A thread waits for one thing only, its answer or its turn to lead. If those that were answered needed the turn
        to leave, they would wait for the next group as well.
        """
        mine: _Wish[Wish, Answer] = _Wish(wish)
        self._join(mine)
        try:
            mine.wait()
            if mine.leads:
                self._lead(mine)
            return mine.answer
        except BaseException:  # an interrupted thread keeps nobody waiting
            self._hand_over(mine)
            raise

    def _join(self, mine: _Wish[Wish, Answer]) -> None:
        with self._lock:
            self._waiting.append(mine)
            if not self._led:
                self._led = True
                mine.lead()
            elif 0 < self._awaited <= len(self._waiting):
                self._company.set()

    def _lead(self, mine: _Wish[Wish, Answer]) -> None:
        """Handles a group, in which this thread's own wish is the first, and wakes the first thread of the next."""
        group: Sequence[_Wish[Wish, Answer]] = []
        answers: Sequence[Answer | Deferred] = []
        try:
            self._linger()
            group = self._take()
            answers = self._answers([one.wish for one in group])
        finally:  # in every case: no thread is left waiting
            self._answered_at = time.monotonic()
            self._hand_over(mine)
            for one, answer in zip(group, answers or [Deferred.FAILED] * len(group), strict=True):
                one.deliver(answer)

    def _linger(self) -> None:
        with self._lock:
            self._awaited = min(self._company_of(max(self._sizes)), GROUP_AT_MOST)
            if len(self._waiting) >= self._awaited:
                self._awaited = 0
                return
            self._company.clear()
        self._company.wait(self._linger_seconds)

    def _company_of(self, largest: int) -> int:
        """Returns for how many wishes to wait: one more than before where the caller says that more may come."""
        if largest == 1:
            return 0
        if self._expected is not None:
            return min(self._expected(), largest + 1)
        return largest if time.monotonic() - self._answered_at < TOGETHER_SECONDS else 0

    def _take(self) -> Sequence[_Wish[Wish, Answer]]:
        with self._lock:
            self._awaited = 0
            group, self._waiting = self._waiting[:GROUP_AT_MOST], self._waiting[GROUP_AT_MOST:]
        self._sizes.append(len(group))
        return group

    def _answers(self, wishes: Sequence[Wish]) -> Sequence[Answer | Deferred]:
        try:
            return self._act(wishes)
        except LedgerUnavailable:
            pass  # each caller meets it alone, and knows what to do
        except Exception:
            log.exception("a group failed; each of its items is tried alone")
        return []

    def _hand_over(self, mine: _Wish[Wish, Answer]) -> None:
        """Lets the first thread that waits lead the next group, if `mine` has led one or was chosen for it."""
        with self._lock:
            if mine in self._waiting:
                self._waiting.remove(mine)
            if not mine.leads:
                return
            mine.leads = False
            self._led = bool(self._waiting)
            if self._waiting:
                self._waiting[0].lead()


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
