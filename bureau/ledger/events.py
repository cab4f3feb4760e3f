"""What happened to a job, numbered in commit order: the number is taken under the job's row lock."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, update

from bureau.contracts.states import JobState
from bureau.ledger.clock import now
from bureau.ledger.tables import events, jobs


@dataclass(frozen=True)
class Event:
    """`type` is one of the API's (`task.logged`, `job.finished`, …); `task` is the task's name."""

    type: str
    task: str | None = None
    data: dict[str, Any] = field(default_factory=dict)


def append(connection: Connection, job_id: UUID, happened: Sequence[Event]) -> None:
    """Adds events to an open job, inside the caller's transaction; locks the job's row.

    After its end nothing is said of a job any more: a worker that lost its claim talks on until it hears of it.
    """
    if not happened:
        return
    last = connection.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state == JobState.OPEN)
        .values(event_seq=jobs.c.event_seq + len(happened))
        .returning(jobs.c.event_seq)
    ).scalar_one_or_none()
    if last is None:
        return  # it ended, or was deleted meanwhile
    connection.execute(insert(events).values(at=now()), rows_of(job_id, last - len(happened) + 1, happened))


def rows_of(job_id: UUID, first: int, happened: Sequence[Event]) -> list[dict[str, Any]]:
    """Rows of `events`, numbered from `first`."""
    return [
        {"job_id": job_id, "seq": seq, "type": event.type, "task": event.task, "data": event.data}
        for seq, event in enumerate(happened, start=first)
    ]
