"""Defines the shape of a submitted job, a graph of tasks; `graph.py` checks how its tasks depend on each other."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from bureau.contracts.base import Contract
from bureau.contracts.jobs.states import When

MAX_TASKS = 1000

TaskName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")]
RunName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}\.[a-z][a-z0-9_.]{0,79}$")]
QUEUE_NAME = r"^[a-z][a-z0-9_-]{0,39}$"
QueueName = Annotated[str, StringConstraints(pattern=QUEUE_NAME)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class RetryOverride(Contract):
    """Overrides the retry policy for a submission. A missing field keeps the value that the task's author set."""

    max_attempts: int | None = Field(default=None, ge=1, le=100)
    base_seconds: float | None = Field(default=None, gt=0, le=86_400)
    cap_seconds: float | None = Field(default=None, gt=0, le=604_800)


class Terms(Contract):
    """Holds the fields that every submission takes besides its own."""

    id: UUID | None = Field(
        default=None,
        description="The job's id, chosen by the client, best of version 7 (RFC 9562). A second submission with it "
        "answers with the first one's job, as long as that job is kept.",
    )
    title: str | None = Field(default=None, min_length=1, max_length=200, description="Shown in lists.")
    tags: list[Tag] = Field(default=[], max_length=10, description="Lists can be filtered by them.")
    run_at: AwareDatetime | None = Field(default=None, description="The job does not start before this time.")
    delay_seconds: float | None = Field(
        default=None, ge=0, le=315_360_000, description="The job does not start before this many seconds have passed."
    )
    expires_at: AwareDatetime | None = Field(
        default=None,
        description="A job that has not started by this time is cancelled with `expired`. It is later than `run_at` "
        "and the end of `delay_seconds`.",
    )
    priority: int = Field(default=5, ge=0, le=9, description="Jobs with a higher priority start earlier.")
    retry: RetryOverride | None = Field(default=None, description="Changes the retries that its tasks announced.")
    time_limit_seconds: float | None = Field(default=None, gt=0, le=86_400, description="For each attempt of a task.")


class TaskSpec(Contract):
    """Describes one task of a submitted graph. `input` may hold `{"$result": "/task/…"}` in place of any value."""

    name: TaskName = Field(description="A name of its own in the job.")
    run: RunName = Field(description="The name of a task that a service announced: GET /v1/catalog/tasks.")
    input: dict[str, Any] = Field(default={})
    after: list[TaskName] = Field(
        default=[], max_length=MAX_TASKS, description="The tasks that must end before this one starts."
    )
    when: When = Field(
        default=When.SUCCEEDED,
        description="When the task runs; otherwise it is skipped. `succeeded`: all tasks in `after` succeeded. "
        "`failed`: all ended, and at least one failed or was skipped because something before it failed; so the last "
        "task of a chain is enough to learn of a failure anywhere in it. `ended`: all ended, in any state. A cancelled "
        "task neither succeeded nor failed.",
    )
    optional: bool = Field(default=False, description="If true, the task's failure does not fail the job.")
    queue: QueueName | None = Field(
        default=None,
        description="A queue other than the task's own, on which a worker announced the task: `queues` of "
        "GET /v1/catalog/tasks.",
    )
    retry: RetryOverride | None = Field(default=None, description="Overrides the job's.")
    time_limit_seconds: float | None = Field(default=None, gt=0, le=86_400, description="Overrides the job's.")


class JobSpec(Terms):
    """Describes a graph of tasks: POST /v1/jobs."""

    tasks: list[TaskSpec] = Field(min_length=1, max_length=MAX_TASKS)
