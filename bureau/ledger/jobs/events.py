"""Writes the events of jobs, numbered in commit order: the number is taken under the job's row lock."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Float, Integer, String, Uuid, insert, select, update

from bureau.contracts.jobs.states import JobState
from bureau.ledger.db.json_rows import JsonRows
from bureau.ledger.db.metadata import Json
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import events, jobs
from bureau.ledger.jobs.event_cursor import this_transaction


@dataclass(frozen=True)
class TaskEvent:
    """Holds an event: `type` is one of the API's (`task.logged`, `job.finished`, …), `task` the task's name.

    `said_at` is monotonic: the event's time is the database's current time minus the event's age.
    """

    type: str
    task: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    said_at: float = field(default_factory=time.monotonic, compare=False)


def append(connection: Connection, by_job: Mapping[UUID, Sequence[TaskEvent]]) -> None:
    """Adds events to open jobs, inside the caller's transaction; locks the jobs' rows in the order of their ids.

    Events of ended jobs are dropped: a worker that lost its claim keeps sending events until it learns of the loss.
    """
    open_jobs = connection.execute(
        select(jobs.c.id, jobs.c.event_seq)
        .where(jobs.c.id.in_([job_id for job_id, happened in by_job.items() if happened]))
        .where(jobs.c.state == JobState.OPEN)
        .order_by(jobs.c.id)
        .with_for_update(key_share=True)
    ).all()
    if not open_jobs:
        return  # all jobs ended or were deleted meanwhile
    _COUNTED.execute(
        connection, _COUNT, [{"job": job.id, "last": job.event_seq + len(by_job[job.id])} for job in open_jobs]
    )
    insert_events(connection, [row for job in open_jobs for row in rows_of(job.id, job.event_seq, by_job[job.id])])


def rows_of(job_id: UUID, last: int, happened: Iterable[TaskEvent]) -> list[dict[str, Any]]:
    """Builds the rows for `insert_events`, numbered after `last`."""
    now = time.monotonic()
    return [
        {
            "job_id": job_id,
            "seq": seq,
            "type": event.type,
            "task": event.task,
            "data": event.data,
            "from_now": event.said_at - now,
        }
        for seq, event in enumerate(happened, start=last + 1)
    ]


def insert_events(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Inserts events of jobs whose rows the transaction has locked."""
    _SAID.execute(connection, _INSERT, rows)


_COUNTED = JsonRows(job=Uuid(), last=Integer())
_COUNT = update(jobs).where(_COUNTED.matches(jobs.c.id)).values(event_seq=_COUNTED["last"])
_SAID = JsonRows(job_id=Uuid(), seq=Integer(), type=String(), task=String(), data=Json, from_now=Float())
_NAMES = ("job_id", "seq", "type", "task", "data")
_INSERT = insert(events).from_select(
    [*_NAMES, "at", "tx"],
    select(*(_SAID[name] for name in _NAMES), later(_SAID["from_now"]), this_transaction()),
)
