"""Claims tasks for the runners of a worker: alone or together with others, waiting while the ledger is away."""

import threading
from collections.abc import Callable, Sequence
from uuid import UUID

from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.deferred import Deferred
from bureau.ledger.jobs import leases
from bureau.ledger.jobs.claim import Claim, NotClaimable, claim, claim_batch, ready
from bureau.messaging.stale_hints import StaleHints
from bureau.metrics.tasks import CLAIM_SECONDS, timed
from bureau.runtime.early_claims import Answer, EarlyClaims, Hinted
from bureau.runtime.group_commit import GroupCommit
from bureau.runtime.pace import Pace

FRESH_SECONDS = 5.0  # a thread that comes later renews the lease of its claim before it begins
LEDGER_AGAIN_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)


class Claiming:
    """Claims tasks of one queue for one worker until it is closed. Threads share it."""

    def __init__(
        self,
        db: Database,
        queue: str,
        worker: str,
        pace: Pace,
        *,
        expected: Callable[[], int],
        stale: StaleHints | None = None,
    ) -> None:
        """`stale` counts the stale hints of the queue, for all who claim from it."""
        self._db = db
        self._queue = queue
        self._worker = worker
        self._pace = pace
        self._closing = threading.Event()
        self._stale = stale or stale_hints(db, queue)
        self._free = expected
        self._early = EarlyClaims()
        self._together = GroupCommit[Hinted, Claim | NotClaimable](self._claim_together, expected=expected)
        self.foretell, self.left = self._early.foretell, self._early.left

    @property
    def closed(self) -> bool:
        return self._closing.is_set()

    def close(self) -> None:
        """Stops claiming; running tasks go on."""
        self._closing.set()

    def claim(self, run: str, task_id: UUID) -> Claim | None:
        """Claims a task; waits while the ledger is away, because an error would acknowledge this hint and the next."""
        tries = 0
        while not self._closing.is_set():
            try:
                with timed(CLAIM_SECONDS, self._queue):
                    hint = (task_id, run)
                    answer: Answer | None = self._early_answer(hint) or self._together(hint)
                    if isinstance(answer, Deferred):  # a group that failed later may have claimed this one before
                        answer = self._early_answer(hint) or claim(
                            self._db, task_id, queue=self._queue, worker=self._worker, run=run
                        )
            except LedgerUnavailable:
                self._closing.wait(pause_seconds(tries))
                tries += 1
                continue
            if not isinstance(answer, Claim):
                self._stale.saw(stale=1, good=0)
                return None
            self._stale.saw(stale=0, good=1)
            self._pace.claimed()
            return answer
        return None

    def _claim_together(self, asked: Sequence[Hinted]) -> list[Answer]:
        """Claims what threads ask for, and in the same transaction the hints that have arrived for other threads."""
        missing = [hint for hint in dict.fromkeys(asked) if hint not in self._early]
        if missing:
            wanted = [*missing, *self._early.next(asked, self._free())]
            self._early.keep(wanted, claim_batch(self._db, wanted, queue=self._queue, worker=self._worker))
        taken = [self._early.take(hint) for hint in asked]
        return [NotClaimable.GONE if early is None else early.answer for early in taken]  # None: a hint that came twice

    def _early_answer(self, hint: Hinted) -> Answer | None:
        """Returns what was answered to a hint before its thread asked, if anything."""
        early = self._early.take(hint)
        if early is None:
            return None
        if isinstance(early.answer, Claim) and early.age > FRESH_SECONDS:
            return early.answer if self._renewed(hint, early.answer) else NotClaimable.GONE
        return early.answer

    def _renewed(self, hint: Hinted, claimed: Claim) -> bool:
        """Returns whether a claim still holds its task, with a lease that begins now. No heartbeat has renewed it."""
        held = (claimed.task_id, claimed.claim_no)
        try:
            return held in leases.renew(self._db, [held])
        except LedgerUnavailable:
            self._early.keep([hint], [claimed])  # the thread asks again
            raise

    def claim_group(self, wanted: Sequence[tuple[UUID, str]]) -> Sequence[Claim | NotClaimable | Deferred]:
        """Claims several tasks, each with its `run`, in one transaction. Raises `LedgerUnavailable`.

        It waits for no lock: the caller gives each `Deferred` one to `claim`.
        """
        with timed(CLAIM_SECONDS, self._queue):
            answers = claim_batch(self._db, wanted, queue=self._queue, worker=self._worker)
        claimed = sum(isinstance(answer, Claim) for answer in answers)
        self._pace.claimed(claimed)
        self._stale.saw(stale=answers.count(NotClaimable.GONE), good=claimed)
        return answers


def stale_hints(db: Database, queue: str) -> StaleHints:
    """Makes what counts the stale hints of a queue, and looks tasks up while there are many."""
    return StaleHints(lambda task_ids: ready(db, task_ids, queue))


def pause_seconds(tries: int) -> float:
    """Returns the seconds until the ledger is asked again after so many failures."""
    return LEDGER_AGAIN_SECONDS[min(tries, len(LEDGER_AGAIN_SECONDS) - 1)]
