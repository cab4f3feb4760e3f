"""Finishes claims: writes their end and everything it causes in one transaction under their jobs' row locks.

The jobs are locked in a statement of their own: if one statement locked them and updated the task, the last two
branches of a join would each see the other unfinished, and the join would never run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, select

from bureau.contracts.jobs.states import TaskState
from bureau.contracts.mail.delivery import DeliveryEnd, DeliveryState
from bureau.ledger.db.database import Database
from bureau.ledger.db.deferred import Deferred
from bureau.ledger.db.prepared import Prepared, one_of
from bureau.ledger.db.tables import tasks
from bureau.ledger.files import artifacts
from bureau.ledger.files.artifacts import Removal, StoredArtifact
from bureau.ledger.jobs.claim import Claim
from bureau.ledger.jobs.claim_ends import ClaimEnds
from bureau.ledger.jobs.dependents import ReadyTask, release_dependents
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.locked_job import LockedJob, lock_jobs, write_jobs
from bureau.ledger.jobs.one_statement.link_success import end_links
from bureau.ledger.jobs.one_statement.lone_success import end_lone
from bureau.ledger.jobs.one_statement.plain_success import PlainSuccess
from bureau.ledger.jobs.outcome import Cancelled, Failed, Outcome, Released, RetryLater, Succeeded
from bureau.ledger.jobs.retry_policy import error_of
from bureau.ledger.jobs.submit import add_tasks
from bureau.ledger.mail import deliveries


class FinishResult(StrEnum):
    """Says what a finish did."""

    DONE = "done"
    ALREADY = "already"  # it was committed before; only the answer was lost
    DISCARDED = "discarded"  # the claim was lost: nothing was written


@dataclass(frozen=True)
class Finished:
    """Holds the result of a finish. `woke`: a task became ready, so hints must be published; `ready`: such dependents.

    If several claims of a job end in one transaction, only the first of them carries `woke` and `ready`.
    """

    fate: FinishResult
    woke: bool = False
    ready: tuple[ReadyTask, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class ClaimOutcome:
    """Holds a claim and how it ended.

    `lines` are log events not yet written. `progress` is the last report, for an ending other than `Succeeded`, which
    has its own. `delivery` is the end of the mail that the claim handed over: it is written
    even if the claim was lost, because the mail has left in any case.
    """

    claim: Claim
    ending: Outcome
    lines: Sequence[TaskEvent] = ()
    delivery: DeliveryEnd | None = None
    progress: dict[str, Any] | None = None


def finish(db: Database, claim: Claim, ending: Outcome, lines: Sequence[TaskEvent] = ()) -> Finished:
    """Ends a claim; `lines` are log events not yet written. Raises `LedgerUnavailable`; then call it again."""
    (finished,) = finish_waiting(db, [ClaimOutcome(claim, ending, lines)])
    return finished


def finish_waiting(db: Database, ends: Sequence[ClaimOutcome]) -> list[Finished]:
    """Ends claims in one transaction, all or none, and waits for jobs and tasks that others have locked."""
    found = _finish(db, ends, skip_locked=False)
    gone = Finished(FinishResult.DISCARDED)  # its job was deleted
    return [gone if isinstance(one, Deferred) else one for one in found]


def finish_batch(db: Database, ends: Sequence[ClaimOutcome]) -> list[Finished | Deferred]:
    """Ends claims together; `Deferred` for those whose job or task another has locked.

    On PostgreSQL those that a statement of their own can end are ended by it; all others share a transaction.
    """
    plain = [] if db.is_sqlite else list(_plain_successes(ends))
    lone = end_lone(db, [one for one, alone in plain if alone])
    links = end_links(db, [one for one, alone in plain if not alone])
    done = lone | links.tasks
    others = [end for end in ends if end.claim.task_id not in done]
    answers = iter(_finish(db, others, skip_locked=True) if others else ())
    return [
        _finished(links.ready.pop(end.claim.job_id, [])) if end.claim.task_id in done else next(answers) for end in ends
    ]


def _finished(ready: Sequence[ReadyTask]) -> Finished:
    return Finished(FinishResult.DONE, woke=bool(ready), ready=tuple(ready))


def _plain_successes(ends: Sequence[ClaimOutcome]) -> Iterator[tuple[PlainSuccess, bool]]:
    """Yields the ends that a statement of their own may write, and whether the task is the only one of its job."""
    for end in ends:
        match end.ending:
            case Succeeded(result, progress, made, removed, added):
                doubtful = end.delivery is not None and end.delivery.state is DeliveryState.UNKNOWN
                if not (made or removed or added or doubtful):
                    yield PlainSuccess(end.claim, result, progress, end.lines, end.delivery), end.claim.lone


def _finish(db: Database, ends: Sequence[ClaimOutcome], *, skip_locked: bool) -> list[Finished | Deferred]:
    with db.hot.transaction() as connection:
        locked = lock_jobs(connection, [end.claim.job_id for end in ends], skip_locked=skip_locked)
        mine = [end.claim.task_id for end in ends if end.claim.job_id in locked]
        rows = _lock_tasks(connection, mine, skip_locked=skip_locked)
        closing = Closing(connection)
        fates = [_end(locked.get(end.claim.job_id), rows.get(end.claim.task_id), end, closing) for end in ends]
        deliveries.close_all(
            connection, [end.delivery for end, fate in zip(ends, fates, strict=True) if fate and end.delivery]
        )
        closing.write()
        changed = {end.claim.job_id for end, fate in zip(ends, fates, strict=True) if fate is FinishResult.DONE}
        write_jobs(connection, [locked[job_id] for job_id in sorted(changed)])
    for job in locked.values():
        db.notify_ended(job.end)
    return [
        Deferred.LOCKED if fate is None else closing.finished(end.claim.job_id, fate)
        for end, fate in zip(ends, fates, strict=True)
    ]


_NEEDED: Sequence[ColumnElement[Any]] = (
    tasks.c.id,
    tasks.c.name,
    tasks.c.state,
    tasks.c.claim_no,
    tasks.c.worker,
    tasks.c.claimed_at,
    tasks.c.stop_requested_at,
    tasks.c.postponed_since,
)


_TASKS = select(*_NEEDED).where(one_of(tasks.c.id, "task_ids")).order_by(tasks.c.id)
_LOCK, _LOCK_FREE = Prepared(_TASKS.with_for_update()), Prepared(_TASKS.with_for_update(skip_locked=True))


def _lock_tasks(connection: Connection, task_ids: Sequence[UUID], *, skip_locked: bool) -> dict[UUID, Any]:
    if not task_ids:
        return {}
    rows = (_LOCK_FREE if skip_locked else _LOCK).execute(connection, {"task_ids": task_ids})
    return {row.id: row for row in rows}


def _end(job: LockedJob | None, task: Row[Any] | None, end: ClaimOutcome, closing: "Closing") -> FinishResult | None:
    if job is None or task is None:
        return None
    if task.claim_no != end.claim.claim_no or task.state != TaskState.RUNNING:
        return _read_back(task, end)
    closing.close(job, task, _as_things_stand(job, task, end.ending), end.lines, end.claim.token, end.progress)
    return FinishResult.DONE


def _as_things_stand(job: LockedJob, task: Row[Any], ending: Outcome) -> Outcome:
    """Adjusts the outcome: a task asked to stop never becomes ready again, and a cancelled job gets no added tasks."""
    match ending:
        case Succeeded(added=added):
            return Cancelled() if added and job.row.cancel_requested_at is not None else ending
        case Failed():
            return ending
        case _:
            return Cancelled() if task.stop_requested_at is not None else ending


def _read_back(task: Row[Any], end: ClaimOutcome) -> FinishResult:
    """Returns whether the claim's end is already in the ledger."""
    intended = TaskState.SUCCEEDED if isinstance(end.ending, Succeeded) else TaskState.FAILED
    mine = task.claim_no == end.claim.claim_no and task.state == intended
    return FinishResult.ALREADY if mine else FinishResult.DISCARDED


class Closing:
    """Implements the state machine of a claim's end: every outcome of a task, and the crash that the scheduler detects.

    It gathers the changes of claims that end together, and `write` writes them in few statements. `task` is always the
    task's locked row, and `job` its locked job.
    """

    def __init__(self, connection: Connection) -> None:
        self.woken: set[UUID] = set()  # jobs with a task that became ready
        self._ready: dict[UUID, list[ReadyTask]] = {}
        self._connection = connection
        self._ends = ClaimEnds()
        self._made: list[StoredArtifact] = []
        self._removed: list[Removal] = []
        self._jobs: dict[UUID, LockedJob] = {}  # jobs whose dependents must be updated
        self._ended: list[tuple[UUID, TaskState]] = []

    def close(
        self,
        job: LockedJob,
        task: Row[Any],
        ending: Outcome,
        lines: Sequence[TaskEvent] = (),
        token: UUID | None = None,
        progress: dict[str, Any] | None = None,
    ) -> None:
        """Gathers a claim's end; `write_jobs` writes the job's own row. `progress` is the last report if not None.

        `token` is the claim's, which PostgreSQL asks of a worker's role and of nobody else.
        """
        job.add_events(lines)
        self._ends.report(task.id, progress)
        match ending:
            case Succeeded():
                self._succeed(job, task, ending, token)
            case Failed(error, made, traceback):
                self._made += made
                self._give_up(job, task, TaskState.FAILED, error, token, traceback)
            case Cancelled():
                error = error_of("cancelled", "The job was cancelled.", retryable=False)
                self._give_up(job, task, TaskState.CANCELLED, error, token)
            case RetryLater(delay, error, counted, traceback):
                self._ends.retry(task.id, delay, error, counted=counted, traceback=traceback, token=token)
                self.woken.add(job.id)
                _add_retrying_event(job, task, error, delay, counted=counted)
            case Released():
                self._ends.hand_back(task.id, token)
                self.woken.add(job.id)

    def crash(self, job: LockedJob, task: Row[Any], delay: float) -> None:
        """Makes a task ready again whose lease ended without a result; this counts against the crash budget."""
        error = error_of("worker_lost", "The worker disappeared while it ran this task.", retryable=True)
        self._ends.crash(task.id, delay, error)
        self.woken.add(job.id)
        _add_retrying_event(job, task, error, delay, counted=False)

    def write(self) -> None:
        """Writes the gathered changes, and updates the dependents of all ended tasks at once."""
        self._ends.write(self._connection)
        artifacts.insert_artifacts(self._connection, self._made)
        artifacts.mark_removed(self._connection, self._removed)
        if not self._ended:
            return
        released = release_dependents(self._connection, self._ended)
        for job_id, count in released.skipped.items():
            self._jobs[job_id].ended(count)
        self._ready = released.ready
        self.woken |= released.ready.keys()

    def finished(self, job_id: UUID, fate: FinishResult) -> Finished:
        """Builds the result for a caller; the first caller of each job gets the tasks that became ready."""
        if fate is not FinishResult.DONE or job_id not in self.woken:
            return Finished(fate)
        self.woken.discard(job_id)
        return Finished(fate, woke=True, ready=tuple(self._ready.pop(job_id, ())))

    def _succeed(self, job: LockedJob, task: Row[Any], ending: Succeeded, token: UUID | None) -> None:
        self._ends.succeed(task.id, ending.result, ending.progress, token)
        self._made += ending.made
        self._removed.append(Removal(job.id, job.owner, ending.removed))
        if ending.added:
            add_tasks(job, ending.added)
            self.woken.add(job.id)
        self._end(job, task, TaskState.SUCCEEDED, {})

    def _give_up(
        self,
        job: LockedJob,
        task: Row[Any],
        state: TaskState,
        error: dict[str, Any],
        token: UUID | None,
        traceback: str | None = None,
    ) -> None:
        self._ends.give_up(task.id, state, error, traceback=traceback, token=token)
        self._end(job, task, state, {"error": error})

    def _end(self, job: LockedJob, task: Row[Any], state: TaskState, data: Mapping[str, Any]) -> None:
        alone = job.alone  # then it has no dependents
        job.add_events([TaskEvent(f"task.{state}", task.name, dict(data))])
        job.ended(1, state)
        if not alone:
            self._jobs[job.id] = job
            self._ended.append((task.id, state))


def _add_retrying_event(job: LockedJob, task: Row[Any], error: dict[str, Any], delay: float, *, counted: bool) -> None:
    data = {"error": error, "delay_seconds": round(delay, 3), "counted": counted}
    job.add_events([TaskEvent("task.retrying", task.name, data)])
