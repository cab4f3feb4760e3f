"""Defines the jobs, tasks and files that the API returns."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from bureau.ledger.files.artifacts import StoredArtifact
from bureau.ledger.reads.job_queries import JobRow
from bureau.ledger.reads.job_views import JobView, TaskView
from bureau.services.gateway.http.files.disposition import path_segment
from bureau.services.gateway.local_address import LocalAddress
from bureau.signing.signed_links import PARAMETER

JobStateWord = Literal["scheduled", "queued", "running", "succeeded", "failed", "cancelled"]
TaskStateWord = Literal[
    "waiting", "scheduled", "queued", "running", "retrying", "succeeded", "failed", "cancelled", "skipped"
]


class Progress(BaseModel):
    """Tells how far the task is; `note` names the unit."""

    current: float
    total: float | None = Field(description="Null if it is not known.")
    percent: float | None
    note: str | None


class Waiting(BaseModel):
    """Says why a job does not make progress."""

    reason: str = Field(
        description="`behind`: other tasks come first. `no_worker`: no live worker announces the task. `not_due`: it "
        "starts later. `retrying`: its last attempt failed. `queue_paused`: somebody paused the queue.",
        examples=["behind", "not_due", "dependency", "retrying", "queue_paused", "no_worker"],
    )
    position: int | None = Field(description="The place in the queue: 1 is next. Null if it is not known.")
    starts_in_seconds: float | None = Field(description="An estimate, at the pace of the workers.")


class ErrorDetail(BaseModel):
    """Is one of several errors in the input. `file`, `line` and `column` say where it is, if that is known."""

    file: str | None = None
    line: int | None = None
    column: str | None = None
    message: str


class TaskError(BaseModel):
    """Describes a failure: a stable code, and a message for people."""

    code: str
    message: str
    retryable: bool
    details: list[ErrorDetail] = Field(default=[], description="The single errors, such as those of a roster.")


class JobError(TaskError):
    """Is the error of the task that ended the job."""

    task: str


class Attempt(BaseModel):
    """Describes one execution of a task."""

    number: int = Field(description="Grows with every attempt of the task, also over retries of the job.")
    worker: str | None
    started_at: datetime | None
    ended_at: datetime | None
    error: TaskError | None
    traceback: str | None = Field(
        default=None,
        description="Where an unexpected error was raised, without secrets and cut to 8,000 characters. Only for a key "
        "with the role `operate`, because it names files of the worker.",
    )


class LogLine(BaseModel):
    """Is a line that a task logged for people."""

    at: datetime
    line: str


class MailRecipient(BaseModel):
    """Tells the delivery state of a mail for one recipient."""

    address: str
    state: str = Field(
        examples=[
            *("open", "sent", "refused", "unknown", "suppressed"),
            *("delivered", "bounced", "dropped", "deferred", "complained"),
        ]
    )
    at: datetime | None
    reason: str | None


class Task(BaseModel):
    """Describes a task of a job."""

    name: str = Field(description="Its name in the job.")
    run: str = Field(description="The task that it calls, as a service announced it.")
    queue: str
    state: str = Field(
        examples=[
            "waiting",
            "scheduled",
            "queued",
            "running",
            "retrying",
            "succeeded",
            "failed",
            "cancelled",
            "skipped",
        ]
    )
    input: dict[str, Any]
    after: list[str] = Field(description="The tasks of the job that it waits for.")
    attempt: int = Field(description="The current or last attempt that counts, from 1; a retry of the job begins anew.")
    max_attempts: int = Field(description="The task fails when this many attempts failed.")
    attempt_number: int = Field(
        description="The number of the current or last attempt, as in events and `attempts`; 0 before the first."
    )
    due_at: datetime | None = Field(description="When it may start, for a task that waits to be started.")
    worker: str | None = Field(description="The worker of the current or last attempt.")
    hinted_at: datetime | None = Field(description="When its message was last published.")
    started_at: datetime | None = Field(description="When its first attempt started.")
    finished_at: datetime | None
    progress: Progress | None
    meta: dict[str, Any] | None = Field(default=None, description="What the task noted last with `ctx.meta`.")
    attempts: list[Attempt] = Field(description="All attempts so far, those that do not count among them.")
    logs: list[LogLine] = Field(description="The last 200 lines.")
    result: Any = Field(description="What the task returned.")
    error: TaskError | None
    mail: list[MailRecipient] = Field(description="The status of each recipient, for a task that sends mail.")


class Artifact(BaseModel):
    """Describes a stored file."""

    id: UUID
    task: str | None = Field(description="The task that made it; null for an upload.")
    name: str
    media_type: str
    size: int = Field(description="Bytes.")
    sha256: str = Field(description="In hexadecimal digits.")
    expires_at: datetime | None = Field(description="When it is deleted; null until its job has ended.")
    url: LocalAddress = Field(description="The path of its download.")


class JobSummary(BaseModel):
    """Describes a job in a list."""

    id: UUID
    kind: str = Field(examples=["certificates", "report", "email", "job", "preview"])
    title: str
    tags: list[str]
    state: JobStateWord
    priority: int
    created_at: datetime
    started_at: datetime | None = Field(description="When the first attempt of its first task started.")
    finished_at: datetime | None
    counts: dict[str, int] = Field(description="The number of tasks in each state.")
    error: JobError | None


class Job(JobSummary):
    """Describes a job with its first 100 tasks and its files."""

    run_at: datetime | None = Field(description="The job does not start before this time.")
    cancel_requested_at: datetime | None
    progress: Progress | None = Field(description="Of its only or running task; else the share of tasks that ended.")
    waiting: Waiting | None = Field(description="Why it waits; null for a job that runs or has ended.")
    tasks: list[Task] = Field(description="The first 100; GET /v1/jobs/{job_id}/tasks lists all.")
    artifacts: list[Artifact] = Field(description="Its files.")


class JobList(BaseModel):
    """Lists a page of jobs, newest first."""

    items: list[JobSummary]
    next_cursor: str | None


class TaskList(BaseModel):
    """Lists a page of a job's tasks, in the order of submission."""

    items: list[Task]
    next_cursor: str | None


def job_of(view: JobView, link_token: str | None = None) -> Job:
    """Returns the job with its files' URLs. For a reader with a signed link, the URLs carry the link's token."""
    shown = {name: getattr(view, name) for name in Job.model_fields if name not in ("tasks", "artifacts")}
    return Job.model_validate(
        {
            **shown,
            "tasks": [task_of(task) for task in view.tasks],
            "artifacts": [artifact_of(artifact, link_token) for artifact in view.artifacts],
        }
    )


def summary_of(row: JobRow) -> JobSummary:
    return JobSummary.model_validate({name: getattr(row, name) for name in JobSummary.model_fields})


def task_of(view: TaskView) -> Task:
    return Task.model_validate({name: getattr(view, name) for name in Task.model_fields})


def artifact_of(artifact: StoredArtifact, link_token: str | None = None) -> Artifact:
    query = f"?{PARAMETER}={link_token}" if link_token else ""
    return Artifact(
        id=artifact.id,
        task=artifact.task,
        name=artifact.name,
        media_type=artifact.media_type,
        size=artifact.size,
        sha256=artifact.sha256,
        expires_at=artifact.expires_at,
        url=f"/v1/artifacts/{artifact.id}/{path_segment(artifact.name)}{query}",
    )
