"""Turns rows into the API's words: states, waiting, progress, attempts. All functions are pure."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from bureau.contracts.jobs.states import ENDED, JobState, TaskState
from bureau.ledger.files.artifacts import StoredArtifact


@dataclass(frozen=True)
class TaskView:
    """A task as the API shows it."""

    id: UUID
    position: int
    name: str
    run: str
    queue: str
    state: str
    input: dict[str, Any]
    after: list[str]
    attempt: int
    max_attempts: int
    due_at: datetime | None
    worker: str | None
    hinted_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    progress: dict[str, Any] | None
    attempts: list[dict[str, Any]]
    logs: list[dict[str, Any]]
    result: Any
    error: dict[str, Any] | None
    attempt_number: int = 0
    meta: dict[str, Any] | None = None
    mail: list[dict[str, Any]] = field(default_factory=list)  # by recipient, for a task that sends mail


@dataclass(frozen=True)
class JobView:
    """A job as the API shows it; `tasks` holds the first hundred."""

    id: UUID
    kind: str
    title: str
    tags: list[str]
    state: str
    priority: int
    created_at: datetime
    run_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    progress: dict[str, Any] | None
    waiting: dict[str, Any] | None
    counts: dict[str, int]
    tasks: list[TaskView] = field(default_factory=list)
    artifacts: list[StoredArtifact] = field(default_factory=list)
    error: dict[str, Any] | None = None


def task_state(state: str, *, due_in_seconds: float | None, claim_no: int) -> str:
    """Returns the API's state of a task: a ready one is `scheduled`, `retrying` or `queued`."""
    if state != TaskState.READY:
        return state
    if due_in_seconds is None or due_in_seconds <= 0:
        return "queued"
    return "retrying" if claim_no else "scheduled"


def job_state(state: str, counts: Mapping[str, int], *, started: bool) -> str:
    """Returns the API's state of a job: its tasks make an open one `scheduled`, `queued` or `running`."""
    if state != JobState.OPEN:
        return state
    if started:
        return "running"
    return "queued" if counts.get("queued") else "scheduled"


def attempt_number(failures: int, claim_no: int) -> int:
    """Returns the number of the current or last attempt, whose failure is not counted yet; 0 before the first."""
    return failures + 1 if claim_no else 0


def last_attempt(number: int, attempt: int, max_attempts: int) -> int:
    """Returns the number of the last attempt that a task may have.

    `number` counts all of its attempts; `attempt` those that count against `max_attempts` since the last retry.
    """
    return number + max(0, max_attempts - attempt)


def busy_seconds(attempts: Iterable[Mapping[str, Any]], now: datetime) -> float:
    """Returns for how long attempts ran, each until now if it has not ended; the pauses between them do not count."""
    spans = sorted((one["started_at"], one["ended_at"] or now) for one in attempts if one["started_at"])
    busy, until = 0.0, None
    for start, end in spans:
        begin = start if until is None else max(start, until)
        busy += max(0.0, (end - begin).total_seconds())
        until = end if until is None else max(until, end)
    return busy


def with_percent(progress: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Adds the percentage to a stored progress where its total is known."""
    if not progress or progress.get("reported") is False:
        return None
    current, total = progress["current"], progress.get("total")
    percent = round(min(100.0, max(0.0, 100.0 * current / total)), 1) if total else None
    return {"current": current, "total": total, "percent": percent, "note": progress.get("note")}


def meta_of(progress: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Returns what a task noted with `ctx.meta`, which the ledger has beside its progress."""
    return (progress or {}).get("meta")


def job_progress(tasks: Sequence[Any], total: int) -> dict[str, Any] | None:
    """Returns a job's progress: that of its only task, of its running task, else the share of tasks that ended."""
    running = [row for row in tasks if row.state == TaskState.RUNNING and row.progress]
    if total == 1:
        return with_percent(tasks[0].progress)
    if len(running) == 1:
        return with_percent(running[0].progress)
    ended = sum(row.state in ENDED for row in tasks)
    return with_percent({"current": ended, "total": total, "note": "tasks"}) if ended else None


def counts_of(states: Sequence[str]) -> dict[str, int]:
    return dict(sorted(Counter(states).items()))


def attempts_of(row: Any, recorded: Sequence[Any]) -> list[dict[str, Any]]:
    """Returns a task's recorded attempts, and the one that runs or succeeded."""
    shown = [
        {
            "number": attempt.claim_no,
            "worker": attempt.worker,
            "started_at": attempt.started_at,
            "ended_at": attempt.ended_at,
            "outcome": attempt.outcome,
            "error": attempt.error,
            "traceback": attempt.traceback,
        }
        for attempt in recorded
    ]
    if row.state in (TaskState.RUNNING, TaskState.SUCCEEDED):
        shown.append(
            {
                "number": row.claim_no,
                "worker": row.worker,
                "started_at": row.claimed_at,
                "ended_at": row.finished_at,
                "outcome": str(row.state),
                "error": None,
                "traceback": None,
            }
        )
    return shown


@dataclass(frozen=True)
class IdleTask:
    """The values of a task that tell why its job waits; `state` is the API's."""

    id: UUID
    state: str
    run: str
    queue: str
    due_at: datetime | None


@dataclass(frozen=True)
class Waiting:
    """The reason why an idle job waits, taken from the task that starts first."""

    reason: str
    task: IdleTask
    starts_in_seconds: float | None = None
    position: int | None = None

    def ahead(self, tasks_ahead: int, claimed_per_second: float) -> "Waiting":
        """Returns the same with its position in the queue, and the seconds until it starts at the workers' pace."""
        seconds = round(tasks_ahead / claimed_per_second, 1) if claimed_per_second else None
        return replace(self, position=tasks_ahead + 1, starts_in_seconds=seconds)

    def shown(self) -> dict[str, Any]:
        return {"reason": self.reason, "position": self.position, "starts_in_seconds": self.starts_in_seconds}


def waiting(
    tasks: Sequence[IdleTask],
    live: Container[str],
    paused: Container[str],
    due_in: Mapping[UUID, float],
    served: Container[tuple[str, str]] | None = None,
) -> Waiting | None:
    """Returns why an open job waits; None where it runs or has ended.

    `live` and `paused` hold names of queues, `served` the pairs of queue and task that live workers announce: a worker
    of the queue that does not know the task leaves it alone. None means that these pairs are not known.
    """
    idle = [task for task in tasks if task.state in ("queued", "scheduled", "retrying")]
    if not idle or any(task.state == "running" for task in tasks):
        return None
    first = min(idle, key=lambda task: due_in.get(task.id, 0.0))
    seconds = round(max(due_in.get(first.id, 0.0), 0.0), 1)
    if first.state == "scheduled":
        return Waiting("not_due", first, seconds)
    if first.state == "retrying":
        return Waiting("retrying", first, seconds)
    if first.queue in paused:
        return Waiting("queue_paused", first)
    has_worker = first.queue in live and (served is None or (first.queue, first.run) in served)
    return Waiting("behind" if has_worker else "no_worker", first)
