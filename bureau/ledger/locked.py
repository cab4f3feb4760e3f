"""A job under its row lock: what happens to it in one transaction is gathered here, and written once."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, case, func, select, update

from bureau.contracts.states import JobState, TaskState
from bureau.ledger.clock import age, now
from bureau.ledger.decide import job_end
from bureau.ledger.events import Event, insert_events, rows_of
from bureau.ledger.job_end import JobEnded
from bureau.ledger.tables import jobs, tasks

_begun = case((jobs.c.run_at > jobs.c.created_at, jobs.c.run_at), else_=jobs.c.created_at)


class LockedJob:
    """Its row stays locked until the transaction ends, so that its counters are exact and its events in order."""

    def __init__(self, connection: Connection, row: Row[Any]) -> None:
        self.connection = connection
        self.row = row
        self.id: UUID = row.id
        self.owner: str = row.owner
        self._open = row.state == JobState.OPEN
        self.total_tasks: int = row.total_tasks
        self._open_tasks: int = row.open_tasks
        self._events: list[Event] = []
        self.end: JobEnded | None = None  # once written, where this transaction ends it

    @property
    def alone(self) -> bool:
        """Whether the job has one task only: then it has no dependents."""
        return bool(self.row.total_tasks == 1)

    def lock_tasks(self) -> None:
        """Locks its tasks by id, as whoever locks several does: a statement that changes many locks in any order."""
        self.connection.execute(
            select(tasks.c.id).where(tasks.c.job_id == self.id).order_by(tasks.c.id).with_for_update(key_share=True)
        )

    def say(self, happened: Sequence[Event]) -> None:
        self._events += happened

    def added(self, count: int) -> None:
        """So many tasks have come to it by this transaction."""
        self.total_tasks += count
        self._open_tasks += count

    def ended(self, count: int) -> None:
        """So many of its tasks have ended by this transaction."""
        self._open_tasks -= count

    def reopened(self, count: int) -> None:
        """It ended before, and so many of its tasks begin again."""
        self._open = True
        self._open_tasks += count

    def write(self) -> None:
        """Writes counters and events, and the job's end when no task is left."""
        values: dict[str, Any] = {"open_tasks": self._open_tasks, "total_tasks": self.total_tasks}
        if self._open_tasks == 0 and self._open:
            state, error = self._end()
            values |= {"state": state, "error": error, "finished_at": now()}
            self.say([Event("job.finished", data={"state": state, "error": error})])
            self.end = JobEnded(self.row.kind, state, max(0.0, self.row.age))
        values["event_seq"] = self.row.event_seq + len(self._events)
        self.connection.execute(update(jobs).where(jobs.c.id == self.id).values(values))
        if self._events:
            insert_events(self.connection, rows_of(self.id, self.row.event_seq, self._events))

    def _end(self) -> tuple[JobState, dict[str, Any] | None]:
        """The job's state, and the error of the task that brought it about first, with the task's name."""
        ends = self.connection.execute(
            select(tasks.c.state, tasks.c.optional, func.count().label("n"))
            .where(tasks.c.job_id == self.id)
            .group_by(tasks.c.state, tasks.c.optional)
        )
        state = job_end({(TaskState(end.state), end.optional): end.n for end in ends})
        if state is JobState.SUCCEEDED:
            return state, None
        first = self.connection.execute(
            select(tasks.c.name, tasks.c.error)
            .where(
                tasks.c.job_id == self.id,
                tasks.c.state == state.value,
                tasks.c.error.is_not(None),
                *([tasks.c.optional.is_(False)] if state is JobState.FAILED else []),
            )
            .order_by(tasks.c.finished_at, tasks.c.position)
            .limit(1)
        ).one_or_none()
        return state, {**first.error, "task": first.name} if first else None


def lock_job(connection: Connection, job_id: UUID) -> LockedJob | None:
    """The job, locked until the transaction ends; None when it was deleted."""
    row = connection.execute(
        select(jobs, age(_begun).label("age")).where(jobs.c.id == job_id).with_for_update()
    ).one_or_none()
    return LockedJob(connection, row) if row is not None else None
