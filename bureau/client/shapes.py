"""Describes the answers of the API as typed dictionaries. A newer gateway may send more fields than these."""

from typing import Any, NotRequired, TypedDict


class ProgressData(TypedDict):
    current: float
    total: float | None
    percent: float | None
    note: str | None


class ErrorDetailData(TypedDict):
    file: str | None
    line: int | None
    column: str | None
    message: str


class ErrorData(TypedDict):
    code: str
    message: str
    retryable: bool
    details: NotRequired[list[ErrorDetailData]]  # not sent by gateways before 0.2.0


class JobErrorData(ErrorData):
    task: str


class WaitingData(TypedDict):
    reason: str
    position: int | None
    starts_in_seconds: float | None


class AttemptData(TypedDict):
    number: int
    worker: str | None
    started_at: str | None
    ended_at: str | None
    error: ErrorData | None
    traceback: str | None  # for a key with the role `operate`


class LogData(TypedDict):
    at: str
    line: str


class TaskData(TypedDict):
    name: str
    run: str
    queue: str
    state: str
    input: dict[str, Any]
    after: list[str]
    attempt: int
    max_attempts: int
    attempt_number: NotRequired[int]  # not sent by gateways before 0.2.0
    due_at: str | None
    worker: str | None
    hinted_at: str | None
    started_at: str | None
    finished_at: str | None
    progress: ProgressData | None
    meta: NotRequired[dict[str, Any] | None]  # not sent by gateways before 0.2.0
    attempts: list[AttemptData]
    logs: list[LogData]
    result: Any
    error: ErrorData | None


class ArtifactData(TypedDict):
    id: str
    task: str | None
    name: str
    media_type: str
    size: int
    sha256: str
    expires_at: str | None
    url: str


class JobSummaryData(TypedDict):
    id: str
    kind: str
    title: str
    tags: list[str]
    state: str
    priority: int
    created_at: str
    started_at: str | None
    finished_at: str | None
    counts: dict[str, int]
    error: JobErrorData | None


class JobData(JobSummaryData):
    run_at: str | None
    cancel_requested_at: str | None
    progress: ProgressData | None
    waiting: WaitingData | None
    tasks: list[TaskData]
    artifacts: list[ArtifactData]


class TaskSummaryData(TypedDict):
    id: str
    job_id: str
    job_title: str
    name: str
    run: str
    queue: str
    state: str
    priority: int
    attempt: int
    max_attempts: int
    attempt_number: NotRequired[int]  # not sent by gateways before 0.2.0
    due_at: str | None
    hinted_at: str | None
    worker: str | None
    started_at: str | None
    finished_at: str | None
    progress: ProgressData | None
    error: ErrorData | None


class QueueData(TypedDict):
    name: str
    paused_at: str | None
    trouble: NotRequired[str | None]  # an older gateway does not send it
    queued: int
    hinted: int
    scheduled: int
    waiting: int
    running: int
    oldest_queued_seconds: float
    workers: int
    threads: int
    busy: int


class WorkerOutageData(TypedDict):
    name: str
    how: str
    since: str
    why: str


class WorkerData(TypedDict):
    id: str
    service: str
    version: str
    host: str
    pid: int
    queue: str
    threads: int
    busy: int
    memory_bytes: int | None
    trouble: list[WorkerOutageData]
    started_at: str
    seen_at: str
    live: bool


class ScheduleProblemData(TypedDict):
    at: str
    message: str


class ScheduleData(TypedDict):
    name: str
    cron: str | None
    every_seconds: int | None
    time_zone: str
    job: dict[str, Any] | None
    report: NotRequired[dict[str, Any] | None]  # not sent by gateways before 0.2.0, as the next two
    email: NotRequired[dict[str, Any] | None]
    certificates: NotRequired[dict[str, Any] | None]
    enabled: bool
    misfire: str
    source: str
    next_runs: list[str]
    last_job: JobSummaryData | None
    problem: ScheduleProblemData | None
    created_at: str
    updated_at: str


class ReportData(TypedDict):
    name: str
    title: str
    description: str
    source: str
    params_schema: dict[str, Any]


class CatalogTaskData(TypedDict):
    name: str
    description: str
    queue: str
    input_schema: dict[str, Any]
    result_schema: dict[str, Any]
    retry: dict[str, Any]
    time_limit_seconds: float
    workers: int
    queues: list[str]


class TemplateData(TypedDict):
    name: str
    description: str


class CheckData(TypedDict):
    status: str
    detail: str | None


class ReadinessData(TypedDict):
    status: str
    checks: dict[str, CheckData]
    broker_kind: str
    storage_used_percent: int | None
