"""Claims tasks for the runners of a worker: alone or together with others, waiting while the ledger is away."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.deferred import Deferred
from bureau.ledger.jobs.claim import Claim, NotClaimable, claim, claim_batch, ready
from bureau.messaging.stale_hints import StaleHints
from bureau.metrics.tasks import CLAIM_SECONDS, timed
from bureau.runtime.group_commit import GroupCommit
from bureau.runtime.pace import Pace

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
        self._together = GroupCommit[tuple[UUID, str], Claim | NotClaimable](
            partial(claim_batch, db, queue=queue, worker=worker), expected=expected
        )

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
                    answer: Claim | NotClaimable | Deferred | None = self._together((task_id, run))
                    if isinstance(answer, Deferred):
                        answer = claim(self._db, task_id, queue=self._queue, worker=self._worker, run=run)
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
