"""Submits jobs without files. Concurrent submissions share a transaction, and their hints are published at once."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.deferred import Deferred
from bureau.ledger.dispatch.hints import Hint
from bureau.ledger.submissions.batch import submit_batch
from bureau.ledger.submissions.submission import Accepted, Submission, SubmissionOutcome
from bureau.messaging.hint_room import HintRoom, QueueView
from bureau.runtime.group_commit import GroupCommit

SHARES_AT_MOST_TASKS = 20  # a larger job has a transaction of its own, so that it delays no other
SHARES_AT_MOST_BYTES = 64 * 1024
LINGER_SECONDS = 0.002  # a process reads and checks two or three more requests in this time


class HintOutlet(Protocol):
    """Publishes hints: the relay."""

    @property
    def healthy(self) -> bool: ...
    def wake(self) -> None: ...
    def publish(self, stamped: Iterable[tuple[str, Hint]]) -> None: ...
    def defer(self, action: Callable[[], None]) -> None: ...


class Submitter:
    """Submits jobs from many threads. It connects to nothing before the first submission."""

    def __init__(self, db: Database, relay: HintOutlet) -> None:
        self._db = db
        self._relay = relay
        self._room = HintRoom(db, lambda: relay.healthy)
        self._group: GroupCommit[Submission, SubmissionOutcome | LedgerUnavailable] = GroupCommit(
            self._try, linger_seconds=LINGER_SECONDS
        )

    def __call__(self, submission: Submission, *, body_bytes: int = 0) -> SubmissionOutcome:
        """Returns the outcome after its commit.

        Raises `LedgerUnavailable`, in which case the job may have been accepted.
        """
        shares = len(submission.job.tasks) <= SHARES_AT_MOST_TASKS and body_bytes <= SHARES_AT_MOST_BYTES
        outcome = self._group(submission) if shares else Deferred.FAILED
        if isinstance(outcome, Deferred):
            (outcome,) = self._submit([submission])
        if isinstance(outcome, LedgerUnavailable):
            raise outcome
        return outcome

    def queue(self, name: str) -> QueueView:
        """Returns what was seen of a queue with the last submission to it."""
        return self._room.view(name)

    def _try(self, group: Sequence[Submission]) -> Sequence[SubmissionOutcome | LedgerUnavailable]:
        """Submits a group.

        After an outage no submission is retried alone, because the group's statement may have been committed.
        """
        try:
            return self._submit(group)
        except LedgerUnavailable as unavailable:
            return [unavailable] * len(group)

    def _submit(self, group: Sequence[Submission]) -> Sequence[SubmissionOutcome]:
        queues = {task.queue for one in group if one.job.due_at_once for task in one.job.tasks if not task.after}
        self._room.look(queues)
        outcomes = submit_batch(self._db, group, self._room.take)
        self._publish(group, outcomes)
        if ageing := self._room.ageing(queues):  # so that the next submission does not wait for it
            self._relay.defer(partial(self._room.refresh, ageing))
        return outcomes

    def _publish(self, group: Sequence[Submission], outcomes: Sequence[SubmissionOutcome]) -> None:
        """Publishes the stamped hints of what was committed, and wakes the relay for the others."""
        hints: list[tuple[str, Hint]] = []
        others = False
        for submission, outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, Accepted):
                hints += ((task.queue, Hint(task.id, task.run, outcome.at, 0.0)) for task in outcome.stamped)
                roots = sum(not task.after for task in submission.job.tasks)
                others |= len(outcome.stamped) < roots
        if hints:
            self._relay.publish(hints)
        if others:
            self._relay.wake()
