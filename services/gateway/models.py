"""Defines the jobs, tasks and files that the API returns."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from bureau.ledger.files.artifacts import StoredArtifact
from bureau.ledger.reads.job_queries import JobRow
from bureau.ledger.reads.job_views import JobView, TaskView
from bureau.services.gateway.http.files.disposition import path_segment
from bureau.signing.signed_links import PARAMETER

JobStateWord = Literal["scheduled", "queued", "running", "succeeded", "failed", "cancelled"]
TaskStateWord = Literal[
    "waiting", "scheduled", "queued", "running", "retrying", "succeeded", "failed", "cancelled", "skipped"
]


class Progress(BaseModel):
    """Tells how far the task is; `note` names the unit."""

    current: float
    total: float | None
    percent: float | None
    note: str | None


class Waiting(BaseModel):
    """Says why a job does not make progress."""

    reason: str = Field(examples=["behind", "not_due", "dependency", "retrying", "queue_paused", "no_worker"])
    position: int | None
    starts_in_seconds: float | None


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

    number: int
    worker: str | None
    started_at: datetime | None
    ended_at: datetime | None
    error: TaskError | None


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

    name: str
    run: str
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
    after: list[str]
    attempt: int
    max_attempts: int
    due_at: datetime | None
    worker: str | None
    hinted_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    progress: Progress | None
    attempts: list[Attempt]
    logs: list[LogLine]
    result: Any
    error: TaskError | None
    mail: list[MailRecipient] = Field(description="The status of each recipient, for a task that sends mail.")


class Artifact(BaseModel):
    """Describes a stored file."""

    id: UUID
    task: str | None
    name: str
    media_type: str
    size: int = Field(description="Bytes.")
    sha256: str
    expires_at: datetime | None
    url: str


class JobSummary(BaseModel):
    """Describes a job in a list."""

    id: UUID
    kind: str
    title: str
    tags: list[str]
    state: JobStateWord
    priority: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    counts: dict[str, int] = Field(description="The number of tasks in each state.")
    error: JobError | None


class Job(JobSummary):
    """Describes a job with its first 100 tasks and its files."""

    run_at: datetime | None
    cancel_requested_at: datetime | None
    progress: Progress | None
    waiting: Waiting | None
    tasks: list[Task]
    artifacts: list[Artifact]


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
