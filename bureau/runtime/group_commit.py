"""Group commit: threads that want the same of the ledger at the same time get it in one transaction.

With 200 threads, a transaction each is what a worker spends most of its time on. Who comes while a group is under way
joins the next one: groups grow with the load, and a thread that is alone waits for nobody. (PostgreSQL's manual,
`commit_delay`, has the idea for the log; here the statements are shared as well.)
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import structlog

from bureau.ledger.db.database import LedgerUnavailable

Wish = TypeVar("Wish")
Answer = TypeVar("Answer")

GROUP_AT_MOST = 50  # bounds how long the group's rows stay locked

log = structlog.get_logger(__name__)


class _Waiting(Generic[Wish, Answer]):
    """A wish, and the thread that waits for its answer."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.answer: Answer | None = None
        self.asked = False
        self._done = threading.Lock()
        self._done.acquire()

    def tell(self, answer: Answer | None) -> None:
        self.answer = answer
        self._done.release()

    def wait(self) -> Answer | None:
        self._done.acquire()
        return self.answer


class GroupCommit(Generic[Wish, Answer]):
    """Called by many threads, each with its wish; `act` takes a group of them and answers in their order.

    `act` must not wait for locks: one that is held long would hold up all who come after. What it cannot have without
    waiting it answers with None, and so it is for the whole group where it raises: the caller then acts alone.
    """

    def __init__(self, act: Callable[[Sequence[Wish]], Sequence[Answer | None]]) -> None:
        self._act = act
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._waiting: list[_Waiting[Wish, Answer]] = []

    def __call__(self, wish: Wish) -> Answer | None:
        """The answer to a wish; None: act alone."""
        mine: _Waiting[Wish, Answer] = _Waiting(wish)
        with self._lock:
            self._waiting.append(mine)
        with self._turn:  # when it is this thread's, another may have asked for it
            while not mine.asked:
                self._ask()
        return mine.wait()

    def _ask(self) -> None:
        with self._lock:
            group, self._waiting = self._waiting[:GROUP_AT_MOST], self._waiting[GROUP_AT_MOST:]
        for one in group:
            one.asked = True
        answers: Sequence[Answer | None] = [None] * len(group)
        try:
            answers = self._act([one.wish for one in group])
        except LedgerUnavailable:
            pass  # each meets it alone, and knows what to do
        except Exception:
            log.exception("a group of wishes failed, each is tried alone")
        finally:  # whatever came: nobody is left waiting
            for one, answer in zip(group, answers, strict=True):
                one.tell(answer)
