"""Turns the filters of job lists and bulk actions into SQL conditions."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_

from bureau.contracts.jobs.states import JobState, TaskState
from bureau.ledger.db.sql_time import now
from bureau.ledger.db.tables import job_tags, jobs, tasks


@dataclass(frozen=True)
class JobFilter:
    """Holds a filter: `states` are the API's, `q` is text in the title; jobs of `or_ids` need not have it.

    `error_code` is the job's, `failed_run` the `run` of a failed task.
    """

    states: tuple[str, ...] = ()
    kind: str | None = None
    tag: str | None = None
    q: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    ids: tuple[UUID, ...] | None = None
    or_ids: tuple[UUID, ...] = ()
    error_code: str | None = None
    failed_run: str | None = None
    finished_after: datetime | None = None


def conditions(wanted: JobFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.states:
        conditions.append(or_(*(_in_state(state) for state in wanted.states)))
    if wanted.kind:
        conditions.append(jobs.c.kind == wanted.kind)
    if wanted.tag:
        conditions.append(exists().where(job_tags.c.job_id == jobs.c.id, job_tags.c.tag == wanted.tag))
    if wanted.ids is not None:
        conditions.append(jobs.c.id.in_(wanted.ids))
    if wanted.q:
        conditions.append(or_(jobs.c.title.icontains(wanted.q, autoescape=True), jobs.c.id.in_(wanted.or_ids)))
    if wanted.created_after:
        conditions.append(jobs.c.created_at > wanted.created_after)
    if wanted.created_before:
        conditions.append(jobs.c.created_at < wanted.created_before)
    return [*conditions, *_of_failures(wanted)]


def _of_failures(wanted: JobFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.error_code:
        conditions.append(jobs.c.error["code"].as_string() == wanted.error_code)
    if wanted.failed_run:
        failed = exists().where(
            tasks.c.job_id == jobs.c.id, tasks.c.run == wanted.failed_run, tasks.c.state == TaskState.FAILED
        )
        conditions.append(failed)
    if wanted.finished_after:
        conditions.append(jobs.c.finished_at > wanted.finished_after)
    return conditions


def _in_state(state: str) -> ColumnElement[bool]:
    """Returns the condition of an API state, on the job and, if it is open, on its tasks."""
    if state not in ("scheduled", "queued", "running"):
        return jobs.c.state == state
    started = exists().where(tasks.c.job_id == jobs.c.id, tasks.c.claim_no > 0)
    due = exists().where(tasks.c.job_id == jobs.c.id, tasks.c.state == TaskState.READY, tasks.c.due_at <= now())
    by_tasks = {"running": started, "queued": and_(~started, due), "scheduled": and_(~started, ~due)}
    return and_(jobs.c.state == JobState.OPEN, by_tasks[state])
