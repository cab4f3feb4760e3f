"""Serves GET /v1/tasks: the active, reserved, scheduled and retrying tasks across all your jobs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from bureau.ledger.access.keys import Role
from bureau.ledger.reads.task_queries import TaskFilter, TaskRow, tasks_across
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Call, Documented, Nothing, Operation, Reply
from bureau.services.gateway.http.pagination import PageQuery, cursor_of, cut, read_cursor
from bureau.services.gateway.models import Progress, TaskError, TaskStateWord


class TaskQuery(PageQuery):
    """Selects tasks."""

    state: list[TaskStateWord] = Field(
        default=[],
        description="Repeatable; tasks in any of the states. Active tasks are `running`, reserved ones "
        "`queued` with `hinted_at`.",
    )
    queue: str | None = Field(default=None, max_length=40)
    run: str | None = Field(default=None, max_length=120)


class TaskSummary(BaseModel):
    """Describes a task in a list, with its job."""

    id: UUID
    job_id: UUID
    job_title: str
    name: str
    run: str
    queue: str
    state: TaskStateWord
    priority: int
    attempt: int
    max_attempts: int
    attempt_number: int
    due_at: datetime | None
    hinted_at: datetime | None
    worker: str | None
    started_at: datetime | None
    finished_at: datetime | None
    progress: Progress | None
    error: TaskError | None


class TaskSummaryList(BaseModel):
    """Lists a page of tasks, newest first."""

    items: list[TaskSummary]
    next_cursor: str | None


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    def read(call: Call[Nothing, TaskQuery]) -> Reply:
        query = call.query
        before = read_cursor(query.cursor, task_id_of) if query.cursor is not None else None
        wanted = TaskFilter(tuple(query.state), query.queue, query.run)
        rows = tasks_across(gateway.database, call.owner, wanted, before=before, limit=query.limit + 1)
        shown, following = cut(rows, query.limit, lambda row: cursor_of(str(row.id)))
        return Reply(200, TaskSummaryList(items=[_summary(row) for row in shown], next_cursor=following))

    return [
        Operation(
            name="list-tasks",
            method="GET",
            path="/v1/tasks",
            view=read,
            summary="List the tasks of all your jobs",
            tag="Follow",
            role=Role.VIEW,
            answers=[Documented(200, "A page.", TaskSummaryList)],
            query=TaskQuery,
        )
    ]


def task_id_of(key: list[Any]) -> UUID:
    """Returns the position in the list that a cursor names. Raises ValueError."""
    (task_id,) = key
    return UUID(task_id)


def _summary(row: TaskRow) -> TaskSummary:
    return TaskSummary.model_validate(vars(row))
