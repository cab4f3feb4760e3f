"""Checks the invariants of a ledger between any two transactions, on all of its rows."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, select

from bureau.contracts.jobs.states import ENDED, JobState, TaskState
from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import attempts, dependencies, events, jobs, tasks


def assert_sound(db: Database) -> None:
    """Counters are exact, events have no gap, a job is over when its tasks are, and every claim left its trace."""
    with db.read() as connection:

        def rows(table: Table) -> list[Row[Any]]:
            return list(connection.execute(select(table)).all())

        all_jobs, all_tasks, links = rows(jobs), rows(tasks), rows(dependencies)
        said, tried = rows(events), rows(attempts)
    by_job: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for task in all_tasks:
        by_job[task.job_id].append(task)
    for job in all_jobs:
        _job(job, by_job[job.id], sorted((e for e in said if e.job_id == job.id), key=lambda event: int(event.seq)))
    tasks_by_id = {task.id: task for task in all_tasks}
    upstream: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for link in links:
        upstream[link.downstream].append(tasks_by_id[link.upstream])
    for task in all_tasks:
        _task(task, upstream[task.id])
        _attempts(task, sorted(attempt.claim_no for attempt in tried if attempt.task_id == task.id))


def _job(job: Row[Any], its_tasks: list[Row[Any]], said: list[Row[Any]]) -> None:
    open_tasks = sum(task.state not in ENDED for task in its_tasks)
    assert job.open_tasks == open_tasks
    assert job.total_tasks == len(its_tasks)
    assert (job.state == JobState.OPEN) == (open_tasks > 0)
    assert (job.finished_at is None) == (open_tasks > 0)
    assert [event.seq for event in said] == list(range(1, job.event_seq + 1))
    assert bool(said and said[-1].type == "job.finished") == (open_tasks == 0)


def _task(task: Row[Any], upstream: list[Row[Any]]) -> None:
    assert (task.finished_at is not None) == (task.state in ENDED)
    assert (task.lease_until is not None) == (task.state == TaskState.RUNNING)
    assert (task.due_at is not None) or task.state != TaskState.READY
    assert task.state != TaskState.RUNNING or task.worker is not None
    if task.state == TaskState.WAITING:
        assert task.upstream_open == sum(row.state not in ENDED for row in upstream) > 0
        assert task.upstream_failed == sum(_passes_failure(row) for row in upstream)
        ended = [row for row in upstream if row.state in ENDED]
        assert task.upstream_unsuccessful == sum(row.state != TaskState.SUCCEEDED for row in ended)
    elif task.state in (TaskState.READY, TaskState.RUNNING, TaskState.SUCCEEDED):
        assert all(row.state in ENDED for row in upstream)
        assert task.upstream_open == 0
    if task.state == TaskState.SUCCEEDED:
        assert task.error is None


def _passes_failure(task: Row[Any]) -> bool:
    return bool(task.state == TaskState.FAILED or (task.state == TaskState.SKIPPED and task.upstream_failed > 0))


def _attempts(task: Row[Any], claim_nos: list[int]) -> None:
    """Every claim but one that runs or succeeded is recorded, once."""
    unrecorded = 1 if task.state in (TaskState.RUNNING, TaskState.SUCCEEDED) else 0
    assert claim_nos == list(range(1, task.claim_no + 1 - unrecorded))
