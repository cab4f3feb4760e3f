"""Finds a job's position: why it waits, and how many tasks are ahead of it."""

from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, union_all

from bureau.contracts.jobs.states import JobState, TaskState
from bureau.ledger.db.sql_time import now
from bureau.ledger.db.tables import tasks
from bureau.ledger.dispatch import queues, workers
from bureau.ledger.jobs.retry_policy import PRIORITIES, PRIORITY_WORTH, rank
from bureau.ledger.reads.job_views import IdleTask, Waiting, task_state, waiting

COUNTED_AHEAD = 10_000  # of each priority


def state_of(brief: Row[Any]) -> str:
    """Returns the API's state of a task; `overdue` is the age of its due time in seconds."""
    due_in = None if brief.overdue is None else -brief.overdue
    return task_state(brief.state, due_in_seconds=due_in, claim_no=brief.claim_no)


def why_waiting(
    connection: Connection,
    job: Row[Any],
    briefs: Sequence[Row[Any]],
    live: Mapping[str, workers.QueueWorkers],
    served: Container[tuple[str, str]] | None,
) -> Waiting | None:
    """Returns why the job waits, from all of its tasks, however many; None where it runs or has ended."""
    if job.state != JobState.OPEN:
        return None
    due_in = {brief.id: -brief.overdue for brief in briefs if brief.overdue is not None}
    all_tasks = [IdleTask(brief.id, state_of(brief), brief.run, brief.queue, brief.due_at) for brief in briefs]
    found = waiting(all_tasks, live, queues.paused_names(connection), due_in, served)
    if found is None or found.reason != "behind" or found.task.due_at is None:
        return found
    pace = live[found.task.queue].claimed / workers.PACE_SECONDS
    return found.ahead(_tasks_ahead(connection, found.task.queue, found.task.due_at, job.priority), pace)


def _tasks_ahead(connection: Connection, queue: str, due_at: datetime, priority: int) -> int:
    """Counts the queue's due tasks of an earlier rank, from the index and up to a limit."""
    ahead = [
        select(tasks.c.id)
        .where(
            tasks.c.queue == queue,
            tasks.c.state == TaskState.READY,
            tasks.c.priority == other,
            tasks.c.due_at < rank(priority, due_at) + other * PRIORITY_WORTH,
            tasks.c.due_at <= now(),
        )
        .limit(COUNTED_AHEAD)
        .subquery()
        for other in PRIORITIES
    ]
    counts = union_all(*(select(func.count().label("n")).select_from(part) for part in ahead)).subquery()
    return int(connection.execute(select(func.sum(counts.c.n))).scalar_one())
