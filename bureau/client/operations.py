"""Reads and changes what operators see: many jobs at once, queues, workers, schedules, the catalog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, cast
from urllib.parse import quote

from bureau.client.job import Job
from bureau.client.pages import items
from bureau.client.shapes import (
    CatalogTaskData,
    QueueData,
    ReadinessData,
    ReportData,
    ScheduleData,
    TaskSummaryData,
    TemplateData,
    WorkerData,
)

if TYPE_CHECKING:
    from bureau.client.connection import Connection


class JobFilter(TypedDict, total=False):
    """Selects jobs; a missing key does not narrow the selection. Times are datetimes, or ISO 8601 with a zone."""

    state: str | Sequence[str]
    kind: str
    tag: str
    q: str
    created_after: datetime | str
    created_before: datetime | str
    error: str
    run: str
    finished_after: datetime | str


@dataclass(frozen=True)
class Counted:
    """Holds how many jobs or tasks an action matched, and how many it changed: none if `dry_run`.

    `by_error` counts failed jobs by their error code.
    """

    count: int
    changed: int
    dry_run: bool
    by_error: dict[str, int] = field(default_factory=dict)


class Operations:
    """Holds the part of `Bureau` that reads and acts. All methods raise `Problem` and `Unreachable`."""

    connection: Connection

    def jobs(self, *, limit: int | None = None, id: str | None = None, **which: Unpack[JobFilter]) -> Iterator[Job]:
        """Yields your jobs, the newest first; it requests pages as they are needed.

        `id` is a part of the id, four digits or more; it is looked for among your newest 100,000 jobs, or the newest
        100,000 before `created_before`.
        """
        for summary in items(self.connection, "/v1/jobs", {**which, "id": id}, limit=limit):
            yield Job(self.connection, summary)

    def get(self, job_id: str) -> Job:
        """Returns the job of this id. Raises `Problem` (404) if you have no such job."""
        return Job(self.connection, self.connection.get(job_path(job_id)))

    def tasks(
        self,
        *,
        state: str | Sequence[str] = (),
        queue: str | None = None,
        run: str | None = None,
        limit: int | None = None,
    ) -> Iterator[TaskSummaryData]:
        """Yields the tasks of all your jobs, the newest first."""
        return items(self.connection, "/v1/tasks", {"state": state, "queue": queue, "run": run}, limit=limit)

    def retry(
        self,
        *,
        dry_run: bool = False,
        expect: int | None = None,
        per_second: float | None = None,
        **which: Unpack[JobFilter],
    ) -> Counted:
        """Runs the failed and cancelled jobs that match again. With `expect`, only if exactly so many match."""
        return self._act_on_many("retry", dry_run, expect, per_second, which)

    def cancel(self, *, dry_run: bool = False, expect: int | None = None, **which: Unpack[JobFilter]) -> Counted:
        """Cancels the jobs that match and have not ended. With `expect`, only if exactly so many match."""
        return self._act_on_many("cancel", dry_run, expect, None, which)

    def queues(self) -> list[QueueData]:
        return list(items(self.connection, "/v1/queues"))

    def pause(self, queue: str) -> QueueData:
        """Stops the queue from starting tasks; running tasks continue."""
        return cast("QueueData", self.connection.send("POST", f"{queue_path(queue)}/pause"))

    def resume(self, queue: str) -> QueueData:
        return cast("QueueData", self.connection.send("POST", f"{queue_path(queue)}/resume"))

    def purge(self, queue: str, *, dry_run: bool = False, expect: int | None = None) -> Counted:
        """Cancels the tasks of the queue that have not started. With `expect`, only if there are exactly so many."""
        body = without_none(dry_run=dry_run, expect=expect)
        return counted(self.connection.send("POST", f"{queue_path(queue)}/purge", body))

    def workers(self) -> list[WorkerData]:
        """Returns the worker processes of the last day."""
        return list(items(self.connection, "/v1/workers"))

    def schedules(self) -> list[ScheduleData]:
        return list(items(self.connection, "/v1/schedules"))

    def schedule(self, name: str, *, next: int | None = None) -> ScheduleData:
        """Returns a schedule with its next times: five, or up to twenty if `next` says so."""
        return cast("ScheduleData", self.connection.get(schedule_path(name), {"next": next}))

    def put_schedule(
        self,
        name: str,
        job: Mapping[str, Any] | None = None,
        *,
        report: Mapping[str, Any] | None = None,
        email: Mapping[str, Any] | None = None,
        certificates: Mapping[str, Any] | None = None,
        **timing: Any,
    ) -> ScheduleData:
        """Creates or replaces a schedule of one request, in the format of its submission.

        `certificates` names stored rosters in `files`. `timing` holds `cron` and `time_zone`, or `every_seconds`; also
        `enabled` and `misfire`.
        """
        requests = without_none(job=job, report=report, email=email, certificates=certificates)
        return cast("ScheduleData", self.connection.send("PUT", schedule_path(name), {**requests, **timing}))

    def change_schedule(self, name: str, **changes: Any) -> ScheduleData:
        return cast("ScheduleData", self.connection.send("PATCH", schedule_path(name), changes))

    def delete_schedule(self, name: str) -> None:
        self.connection.delete(schedule_path(name))

    def run_schedule(self, name: str) -> Job:
        """Submits a job of the schedule now, in addition to its times."""
        return Job(self.connection, self.connection.send("POST", f"{schedule_path(name)}/run"))

    def reports(self) -> list[ReportData]:
        """Returns the reports that `report` accepts."""
        return list(items(self.connection, "/v1/catalog/reports"))

    def catalog(self) -> list[CatalogTaskData]:
        """Returns the tasks that `task` accepts: those that services announced."""
        return list(items(self.connection, "/v1/catalog/tasks"))

    def templates(self) -> list[TemplateData]:
        return list(items(self.connection, "/v1/catalog/templates"))

    def readiness(self) -> ReadinessData:
        """Returns the gateway's health checks. It sends one request and does not retry."""
        return cast("ReadinessData", self.connection.get_once("/readyz"))

    def _act_on_many(
        self, verb: str, dry_run: bool, expect: int | None, per_second: float | None, which: JobFilter
    ) -> Counted:
        body = {"filter": conditions(which), **without_none(dry_run=dry_run, expect=expect, per_second=per_second)}
        return counted(self.connection.send("POST", f"/v1/jobs/{verb}", body))


def conditions(which: JobFilter) -> dict[str, Any]:
    """Returns the filter as the API takes it in the body of an action on many jobs."""
    found: dict[str, Any] = {name: value for name, value in which.items() if value not in (None, (), [])}
    if isinstance(found.get("state"), str):
        found["state"] = [found["state"]]
    return found


def counted(answer: Mapping[str, Any]) -> Counted:
    return Counted(answer["count"], answer["changed"], answer["dry_run"], answer.get("by_error", {}))


def without_none(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def schedule_path(name: str) -> str:
    return f"/v1/schedules/{quote(name, safe='')}"


def queue_path(name: str) -> str:
    return f"/v1/queues/{quote(name, safe='')}"


def job_path(job_id: str) -> str:
    return f"/v1/jobs/{quote(job_id, safe='')}"
