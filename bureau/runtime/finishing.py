"""Writes how executions ended, alone or together with others, and does what follows from it."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Protocol
from uuid import UUID

import structlog

from bureau.contracts.errors import TaskError
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.deferred import Deferred
from bureau.ledger.files import artifacts
from bureau.ledger.jobs import leases
from bureau.ledger.jobs.dependents import ReadyTask
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.finish import ClaimOutcome, Finished, FinishResult, finish_batch, finish_waiting
from bureau.ledger.jobs.outcome import Failed, Outcome, Succeeded
from bureau.ledger.jobs.retry_policy import error_of
from bureau.ledger.mail.deliveries import close_delivery
from bureau.metrics import outcomes
from bureau.metrics.tasks import FINISH_SECONDS, timed
from bureau.runtime.claiming import pause_seconds
from bureau.runtime.execution.execution import Execution
from bureau.runtime.execution.task_outcomes import jitter
from bureau.runtime.group_commit import GroupCommit, GroupCommitByKey
from bureau.storage import Storage

log = structlog.get_logger(__name__)

Follow = Callable[[Finished], ReadyTask | None]
"""Returns the task that this worker runs next without a hint, of those that a finish made ready."""


WriteEnds = Callable[[Database, Sequence[ClaimOutcome]], Sequence[Finished | Deferred]]


class Wakes(Protocol):
    """Defines what a runner needs of the relay."""

    def wake(self) -> None: ...


@dataclass(frozen=True)
class Ended:
    """Holds an execution that has ended, with its unwritten events; `ending` is None if its claim was lost meanwhile.

    `of` takes the events, and so waits for a write of the reporter.
    """

    execution: Execution
    ending: Outcome | None
    lines: Sequence[TaskEvent]

    @classmethod
    def of(cls, execution: Execution, ending: Outcome | None) -> "Ended":
        return cls(execution, ending, _rest(execution) if ending is not None else ())


def _rest(execution: Execution) -> Sequence[TaskEvent]:
    try:
        return execution.events.rest()
    except Exception:  # the end of a task matters more than its last lines
        log.exception("the last events of a task could not be taken")
        return ()


class Finishing:
    """Finishes the executions of one queue. Threads share it."""

    def __init__(
        self, db: Database, storage: Storage, queue: str, relay: Wakes, follow: Follow, *, expected: Callable[[], int]
    ) -> None:
        self._db = db
        self._storage = storage
        self._queue = queue
        self._relay = relay
        self._follow = follow
        self._together = GroupCommit(partial(finish_batch, db), expected=expected)
        self._blocked = GroupCommitByKey[UUID, ClaimOutcome, Finished](partial(finish_waiting, db))

    def finish(self, ended: Ended) -> None:
        """Retries until the ledger answers, because only then is the work done."""
        if ended.ending is None:
            self._lost(ended.execution)
            return
        with timed(FINISH_SECONDS, self._queue):
            written, finished = self._write(ended, ended.ending)
        self._after(ended.execution, written, finished)

    def finish_group(self, group: Sequence[Ended], *, waiting: bool = False) -> list[Ended]:
        """Finishes several in one transaction. Returns those that have to be finished otherwise.

        Only with `waiting` it waits for jobs and tasks that others have locked; the group is then of one job. Raises
        `LedgerUnavailable`; then the same group may be given again.
        """
        told = [(ended, ended.ending) for ended in group if ended.ending is not None]
        alone = [ended for ended in group if ended.ending is None]
        with timed(FINISH_SECONDS, self._queue):
            ends = [_claim_outcome(ended, ending, ended.lines) for ended, ending in told]
            answers = self._write_group(finish_waiting if waiting else finish_batch, ends)
        for (ended, ending), answer in zip(told, answers, strict=True):
            if isinstance(answer, Deferred):
                alone.append(ended)
            else:
                self._after(ended.execution, ending, answer)
        return alone

    def _write_group(self, write: WriteEnds, ends: Sequence[ClaimOutcome]) -> Sequence[Finished | Deferred]:
        if not ends:
            return []
        try:
            return write(self._db, ends)
        except LedgerUnavailable:
            raise
        except Exception:
            log.exception("a group of outcomes could not be written; each is tried alone")
            return [Deferred.FAILED] * len(ends)

    def _write(self, ended: Ended, ending: Outcome) -> tuple[Outcome, Finished]:
        """Returns the outcome that the ledger accepted, and what it answered."""
        lines, written = ended.lines, ending
        for tries in count():
            try:
                return written, self._written(_claim_outcome(ended, written, lines))
            except LedgerUnavailable:
                time.sleep(pause_seconds(tries))
            except Exception:
                log.exception("the outcome of a task could not be written")
                if written is not ending:
                    break
                message = "The outcome could not be written to the ledger; the worker's log says why."
                written, lines = Failed(error_of("not_storable", message, retryable=True)), []
        return written, self._given_up(ended.execution)

    def _given_up(self, execution: Execution) -> Finished:
        """Gives a claim back as lost, because not even a failure can be written for it. It counts as a crash.

        Nobody else would notice: this process lives, and in the embedded process no lease expires.
        """
        try:
            _until_answered(partial(leases.lose, self._db, execution.held, jitter))
        except Exception:  # a worker's own role may not
            log.exception("a claim could not be given back; its lease expires")
        return Finished(FinishResult.DONE, woke=True)

    def _written(self, end: ClaimOutcome) -> Finished:
        """Finishes a claim together with others that end now; if the job is locked, with others that wait for it."""
        answer = self._together(end)
        if answer is Deferred.LOCKED:
            answer = self._blocked(end.claim.job_id, end)
        if isinstance(answer, Deferred):
            (answer,) = finish_waiting(self._db, [end])
        return answer

    def _lost(self, execution: Execution) -> None:
        """Cleans up after a claim that was lost. The end of a mail is written all the same: the mail has left."""
        if execution.delivery is not None:
            _until_answered(partial(close_delivery, self._db, execution.delivery))
        self._delete_files(execution)

    def _after(self, execution: Execution, ending: Outcome, finished: Finished) -> None:
        outcomes.written(self._queue, ending, finished)
        execution.written = None if finished.fate is FinishResult.DISCARDED else ending
        execution.following = self._follow(finished) if execution.may_follow else None
        others = len(finished.ready) > 1 or execution.following is None
        if (finished.woke and others) or finished.fate is FinishResult.ALREADY:
            self._relay.wake()
        if finished.fate is FinishResult.DISCARDED:
            log.warning("a finish was discarded, because another claim has the task")
        if finished.fate is FinishResult.DISCARDED or not isinstance(ending, Succeeded):
            self._delete_files(execution)

    def _delete_files(self, execution: Execution) -> None:
        """Deletes files of a failed claim, unless the ledger has them; the scheduler finds remaining orphans."""
        keys = [made.key for made in execution.made]
        if not keys:
            return
        try:
            kept = artifacts.kept_keys(self._db, keys)
            self._storage.delete([key for key in keys if key not in kept])
        except (LedgerUnavailable, TaskError):
            log.warning("files of an ended claim could not be deleted", prefix=execution.prefix)


def _until_answered(act: Callable[[], object]) -> None:
    """Calls `act` until the ledger answers."""
    for tries in count():
        with suppress(LedgerUnavailable):
            act()
            return
        time.sleep(pause_seconds(tries))


def _claim_outcome(ended: Ended, ending: Outcome, lines: Sequence[TaskEvent]) -> ClaimOutcome:
    last = None if isinstance(ending, Succeeded) else ended.execution.events.last_progress
    return ClaimOutcome(ended.execution.claim, ending, lines, ended.execution.delivery, last)
