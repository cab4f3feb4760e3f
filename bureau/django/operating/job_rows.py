"""Makes what the admin shows of a job from what the gateway says. The functions are pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

STATES = ("scheduled", "queued", "running", "succeeded", "failed", "cancelled")
_OPEN = frozenset({"scheduled", "queued", "running"})
_AGAIN = frozenset({"failed", "cancelled"})


@dataclass(frozen=True)
class Progress:
    """Says how far a job is; `percent` is None if the end is not known."""

    percent: float | None
    text: str


@dataclass(frozen=True)
class JobRow:
    """Holds a job of the list."""

    id: str
    title: str
    kind: str
    state: str
    created_at: datetime | None
    finished_at: datetime | None
    progress: Progress | None
    error: str

    @property
    def can_retry(self) -> bool:
        return self.state in _AGAIN

    @property
    def can_cancel(self) -> bool:
        return self.state in _OPEN


def job_row(job: Mapping[str, Any], reports: Mapping[str, Any]) -> JobRow:
    """Returns the row of a job. `reports` holds the progress of running tasks by the id of their job."""
    error = job["error"]
    return JobRow(
        id=job["id"],
        title=job["title"],
        kind=job["kind"],
        state=job["state"],
        created_at=moment(job["created_at"]),
        finished_at=moment(job["finished_at"]),
        progress=_progress(job, reports.get(job["id"])),
        error=error["message"] if error else "",
    )


def running_reports(tasks: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the progress of running tasks by the id of their job, of the first where several run."""
    found: dict[str, Any] = {}
    for task in tasks:
        if task["progress"]:
            found.setdefault(task["job_id"], task["progress"])
    return found


def progress_of(report: Mapping[str, Any] | None) -> Progress | None:
    """Returns the progress that a task reported: `30 of 120 rows`."""
    if not report:
        return None
    total = f" of {report['total']:g}" if report["total"] is not None else ""
    note = f" {report['note']}" if report["note"] else ""
    return Progress(report["percent"], f"{report['current']:g}{total}{note}")


def _progress(job: Mapping[str, Any], report: Mapping[str, Any] | None) -> Progress | None:
    """Returns the progress of the job: of its only task, or how many of its tasks have ended."""
    if job["state"] not in _OPEN:
        return None
    total = sum(job["counts"].values())
    if total <= 1:
        return progress_of(report)
    ended = sum(job["counts"].get(state, 0) for state in ("succeeded", "failed", "cancelled", "skipped"))
    return Progress(100 * ended / total, f"{ended} of {total} tasks")


def task_view(task: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what the page of a job shows of a task: texts and times."""
    return {
        "name": task["name"],
        "run": task["run"],
        "state": task["state"],
        "started_at": moment(task["started_at"]),
        "finished_at": moment(task["finished_at"]),
        "progress": progress_of(task["progress"]),
        "input": as_json(task["input"]),
        "result": None if task["result"] is None else as_json(task["result"]),
        "error": task["error"],
        "attempts": [
            {**attempt, "started_at": moment(attempt["started_at"]), "ended_at": moment(attempt["ended_at"])}
            for attempt in task["attempts"]
        ],
        "logs": [{"at": moment(line["at"]), "line": line["line"]} for line in task["logs"]],
    }


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
