"""What happened to a job, numbered in commit order: the number is taken under the job's row lock."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, update

from bureau.ledger.clock import now
from bureau.ledger.tables import events, jobs


@dataclass(frozen=True)
class Event:
    """`type` is one of the API's (`task.logged`, `job.finished`, …); `task` is the task's name."""

    type: str
    task: str | None = None
    data: dict[str, Any] = field(default_factory=dict)


def append(connection: Connection, job_id: UUID, happened: Sequence[Event]) -> None:
    """Adds events to a job, inside the caller's transaction; locks the job's row."""
    if not happened:
        return
    last = connection.execute(
        update(jobs)
        .where(jobs.c.id == job_id)
        .values(event_seq=jobs.c.event_seq + len(happened))
        .returning(jobs.c.event_seq)
    ).scalar_one_or_none()
    if last is None:
        return  # the job was deleted meanwhile
    connection.execute(insert(events).values(at=now()), rows_of(job_id, last - len(happened) + 1, happened))


def rows_of(job_id: UUID, first: int, happened: Sequence[Event]) -> list[dict[str, Any]]:
    """Rows of `events`, numbered from `first`."""
    return [
        {"job_id": job_id, "seq": seq, "type": event.type, "task": event.task, "data": event.data}
        for seq, event in enumerate(happened, start=first)
    ]
