"""What an operator does and looks at: many jobs at once, queues, workers, schedules, the catalog."""

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
    """Which jobs; what is not given does not narrow."""

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
    """What an act on many found, and how many it changed: none where `dry_run`. `by_error` is of failed jobs."""

    count: int
    changed: int
    dry_run: bool
    by_error: dict[str, int] = field(default_factory=dict)


class Operations:
    """The part of `Bureau` that reads and acts. Raises `Problem`, `Unreachable`."""

    connection: Connection

    def jobs(self, *, limit: int | None = None, **which: Unpack[JobFilter]) -> Iterator[Job]:
        """Your jobs, the newest first; pages are read as they are needed."""
        for summary in items(self.connection, "/v1/jobs", which, limit=limit):
            yield Job(self.connection, summary)

    def get(self, job_id: str) -> Job:
        """Raises `Problem` (404) where there is no such job of yours."""
        return Job(self.connection, self.connection.get(f"/v1/jobs/{quote(job_id, safe='')}"))

    def tasks(
        self,
        *,
        state: str | Sequence[str] = (),
        queue: str | None = None,
        run: str | None = None,
        limit: int | None = None,
    ) -> Iterator[TaskSummaryData]:
        """Tasks across your jobs, the newest first."""
        return items(self.connection, "/v1/tasks", {"state": state, "queue": queue, "run": run}, limit=limit)

    def retry(
        self,
        *,
        dry_run: bool = False,
        expect: int | None = None,
        per_second: float | None = None,
        **which: Unpack[JobFilter],
    ) -> Counted:
        """Runs the failed and cancelled jobs that match again. With `expect`, only where so many match."""
        return self._many("retry", dry_run, expect, per_second, which)

    def cancel(self, *, dry_run: bool = False, expect: int | None = None, **which: Unpack[JobFilter]) -> Counted:
        """Cancels the jobs that match and have not ended. With `expect`, only where so many match."""
        return self._many("cancel", dry_run, expect, None, which)

    def queues(self) -> list[QueueData]:
        return list(items(self.connection, "/v1/queues"))

    def pause(self, queue: str) -> QueueData:
        """Nothing more of it starts."""
        return cast("QueueData", self.connection.send("POST", f"/v1/queues/{quote(queue, safe='')}/pause"))

    def resume(self, queue: str) -> QueueData:
        return cast("QueueData", self.connection.send("POST", f"/v1/queues/{quote(queue, safe='')}/resume"))

    def purge(self, queue: str, *, dry_run: bool = False, expect: int | None = None) -> Counted:
        """Cancels the tasks of the queue that have not started. With `expect`, only where there are so many."""
        body = _given(dry_run=dry_run, expect=expect)
        return _counted(self.connection.send("POST", f"/v1/queues/{quote(queue, safe='')}/purge", body))

    def workers(self) -> list[WorkerData]:
        """The worker processes of the last day."""
        return list(items(self.connection, "/v1/workers"))

    def schedules(self) -> list[ScheduleData]:
        return list(items(self.connection, "/v1/schedules"))

    def schedule(self, name: str) -> ScheduleData:
        return cast("ScheduleData", self.connection.get(_schedule(name)))

    def put_schedule(self, name: str, job: Mapping[str, Any], **timing: Any) -> ScheduleData:
        """Makes or replaces it: `cron` and `time_zone`, or `every_seconds`; `enabled`, `misfire`."""
        return cast("ScheduleData", self.connection.send("PUT", _schedule(name), {"job": dict(job), **timing}))

    def change_schedule(self, name: str, **changes: Any) -> ScheduleData:
        return cast("ScheduleData", self.connection.send("PATCH", _schedule(name), changes))

    def delete_schedule(self, name: str) -> None:
        self.connection.delete(_schedule(name))

    def run_schedule(self, name: str) -> Job:
        """A job of it now, besides its times."""
        return Job(self.connection, self.connection.send("POST", f"{_schedule(name)}/run"))

    def reports(self) -> list[ReportData]:
        """What may be asked for with `report`."""
        return list(items(self.connection, "/v1/catalog/reports"))

    def catalog(self) -> list[CatalogTaskData]:
        """What may be asked for with `task`: the tasks that services announced."""
        return list(items(self.connection, "/v1/catalog/tasks"))

    def templates(self) -> list[TemplateData]:
        return list(items(self.connection, "/v1/catalog/templates"))

    def readiness(self) -> ReadinessData:
        """What the gateway needs, and whether it has it. Asked once."""
        return cast("ReadinessData", self.connection.look("/readyz"))

    def _many(
        self, verb: str, dry_run: bool, expect: int | None, per_second: float | None, which: JobFilter
    ) -> Counted:
        narrowed: dict[str, Any] = {name: value for name, value in which.items() if value not in (None, (), [])}
        if isinstance(narrowed.get("state"), str):
            narrowed["state"] = [narrowed["state"]]
        body = {"filter": narrowed, **_given(dry_run=dry_run, expect=expect, per_second=per_second)}
        return _counted(self.connection.send("POST", f"/v1/jobs/{verb}", body))


def _counted(answer: Mapping[str, Any]) -> Counted:
    return Counted(answer["count"], answer["changed"], answer["dry_run"], answer.get("by_error", {}))


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _schedule(name: str) -> str:
    return f"/v1/schedules/{quote(name, safe='')}"
