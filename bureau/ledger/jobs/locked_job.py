"""Gathers the changes of a job in one transaction under its row lock, and writes them once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Integer, Row, String, Uuid, case, func, select, update

from bureau.contracts.jobs.states import JobState, TaskState
from bureau.ledger.db.job_end import JobEnded
from bureau.ledger.db.json_rows import JsonRows
from bureau.ledger.db.metadata import Json
from bureau.ledger.db.prepared import Prepared, one_of
from bureau.ledger.db.sql_time import age, now
from bureau.ledger.db.tables import jobs, tasks
from bureau.ledger.jobs.events import TaskEvent, insert_events, rows_of
from bureau.ledger.jobs.retry_policy import job_end

_begun = case((jobs.c.run_at > jobs.c.created_at, jobs.c.run_at), else_=jobs.c.created_at)


class LockedJob:
    """Holds a job whose row stays locked until the transaction ends, so counters are exact and events in order."""

    def __init__(self, connection: Connection, row: Row[Any]) -> None:
        self.connection = connection
        self.row = row
        self.id: UUID = row.id
        self.owner: str = row.owner
        self._open = row.state == JobState.OPEN
        self.total_tasks: int = row.total_tasks
        self._open_tasks: int = row.open_tasks
        self._events: list[TaskEvent] = []
        self._error: dict[str, Any] | None = None
        self.end: JobEnded | None = None  # set by the write if this transaction ends the job
        self._last_state: TaskState | None = None  # the state in the last call of `ended`

    @property
    def alone(self) -> bool:
        """Returns whether the job has only one task: then it has no dependents."""
        return bool(self.row.total_tasks == 1)

    def lock_tasks(self) -> None:
        """Locks its tasks in the order of their ids, as all code that locks several does.

        A statement that changes many rows would lock them in any order.
        """
        self.connection.execute(
            select(tasks.c.id).where(tasks.c.job_id == self.id).order_by(tasks.c.id).with_for_update(key_share=True)
        )

    def add_events(self, happened: Sequence[TaskEvent]) -> None:
        self._events += happened

    def added(self, count: int) -> None:
        """Counts tasks that this transaction adds."""
        self.total_tasks += count
        self._open_tasks += count

    def ended(self, count: int, state: TaskState | None = None) -> None:
        """Counts tasks that this transaction ends; `state` is given if it is a single task."""
        self._open_tasks -= count
        self._last_state = state

    def reopened(self, count: int) -> None:
        """Opens an ended job again, `count` of whose tasks begin again."""
        self._open = True
        self._open_tasks += count

    @property
    def succeeded_alone(self) -> bool:
        """Returns whether its only task succeeded, as most do: then its tasks' states need not be read."""
        return self.total_tasks == 1 and self._last_state is TaskState.SUCCEEDED

    @property
    def over(self) -> bool:
        """Returns whether this transaction ends the job: no task is left open."""
        return self._open and self._open_tasks == 0

    def close(self, state: JobState, error: dict[str, Any] | None) -> None:
        """Ends the job; `write_jobs` decides the state from its tasks' states."""
        self.add_events([TaskEvent("job.finished", data={"state": state, "error": error})])
        self.end = JobEnded(self.row.kind, state, max(0.0, self.row.age))
        self._error = error

    def write(self) -> None:
        """Writes counters and events, and the job's end if no task is left open."""
        write_jobs(self.connection, [self])

    @property
    def event_rows(self) -> list[dict[str, Any]]:
        return rows_of(self.id, self.row.event_seq, self._events)

    @property
    def values(self) -> dict[str, Any]:
        return {
            "job": self.id,
            "open": self._open_tasks,
            "total": self.total_tasks,
            "last": self.row.event_seq + len(self._events),
            "end": self.end and self.end.state,
            "failure": self._error,
        }


_GATHERED = JsonRows(job=Uuid(), open=Integer(), total=Integer(), last=Integer(), end=String(), failure=Json)
_COUNT = (
    update(jobs)
    .where(_GATHERED.matches(jobs.c.id))
    .values(open_tasks=_GATHERED["open"], total_tasks=_GATHERED["total"], event_seq=_GATHERED["last"])
)
_END = _COUNT.values(state=_GATHERED["end"], error=_GATHERED["failure"], finished_at=now())


def lock_job(connection: Connection, job_id: UUID) -> LockedJob | None:
    """Locks a job until the transaction ends. Returns None if it was deleted."""
    return lock_jobs(connection, [job_id]).get(job_id)


def lock_jobs(connection: Connection, job_ids: Iterable[UUID], *, skip_locked: bool = False) -> dict[UUID, LockedJob]:
    """Locks jobs in the order of their ids, as all code that locks several does, and returns them by id.

    Leaves out deleted jobs and, with `skip_locked`, jobs that another transaction has locked.
    """
    rows = (_LOCK_FREE if skip_locked else _LOCK).execute(connection, {"job_ids": list(set(job_ids))})
    return {row.id: LockedJob(connection, row) for row in rows}


_COLUMNS = (
    *(jobs.c.id, jobs.c.owner, jobs.c.kind, jobs.c.state, jobs.c.priority, jobs.c.total_tasks, jobs.c.open_tasks),
    *(jobs.c.event_seq, jobs.c.cancel_requested_at, jobs.c.finished_at, age(_begun).label("age")),
)
_JOBS = select(*_COLUMNS).where(one_of(jobs.c.id, "job_ids")).order_by(jobs.c.id)
_LOCK, _LOCK_FREE = Prepared(_JOBS.with_for_update()), Prepared(_JOBS.with_for_update(skip_locked=True))


def write_jobs(connection: Connection, gathered: Sequence[LockedJob]) -> None:
    """Writes the gathered changes of jobs in few statements, however many jobs there are."""
    _close(connection, [job for job in gathered if job.over])
    _GATHERED.execute(connection, _COUNT, [job.values for job in gathered if job.end is None])
    _GATHERED.execute(connection, _END, [job.values for job in gathered if job.end is not None])
    insert_events(connection, [row for job in gathered for row in job.event_rows])


def _close(connection: Connection, over: Sequence[LockedJob]) -> None:
    """Ends jobs with the state that follows from their tasks, and the error of the first task that caused it."""
    asked = [job for job in over if not job.succeeded_alone]
    for job in over:
        if job.succeeded_alone:
            job.close(JobState.SUCCEEDED, None)
    if not asked:
        return
    ends: dict[UUID, dict[tuple[TaskState, bool], int]] = defaultdict(dict)
    for end in _ENDS.execute(connection, {"job_ids": [job.id for job in asked]}):
        ends[end.job_id][TaskState(end.state), end.optional] = end.n
    for job in asked:
        state = job_end(ends[job.id])
        job.close(state, None if state is JobState.SUCCEEDED else _first_error(connection, job.id, state))


_ENDS = Prepared(
    select(tasks.c.job_id, tasks.c.state, tasks.c.optional, func.count().label("n"))
    .where(one_of(tasks.c.job_id, "job_ids"))
    .group_by(tasks.c.job_id, tasks.c.state, tasks.c.optional)
)


def _first_error(connection: Connection, job_id: UUID, state: JobState) -> dict[str, Any] | None:
    """Returns the error, with the task's name, of the first task that ended in this state."""
    first = connection.execute(
        select(tasks.c.name, tasks.c.error)
        .where(
            tasks.c.job_id == job_id,
            tasks.c.state == state.value,
            tasks.c.error.is_not(None),
            *([tasks.c.optional.is_(False)] if state is JobState.FAILED else []),
        )
        .order_by(tasks.c.finished_at, tasks.c.position)
        .limit(1)
    ).one_or_none()
    return {**first.error, "task": first.name} if first else None
