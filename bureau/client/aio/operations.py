"""Reads jobs and acts on them, on queues and on schedules, as `Operations` does; each call is awaited."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack, cast

from bureau.client.aio.job import AsyncJob
from bureau.client.aio.pages import items
from bureau.client.operations import (
    Counted,
    JobFilter,
    conditions,
    counted,
    job_path,
    queue_path,
    schedule_path,
    without_none,
)
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
    from bureau.client.aio.connection import AsyncConnection


class AsyncOperations:
    """Holds the part of `AsyncBureau` that reads and acts, with the methods of `Operations`."""

    connection: AsyncConnection

    async def jobs(
        self, *, limit: int | None = None, id: str | None = None, **which: Unpack[JobFilter]
    ) -> AsyncIterator[AsyncJob]:
        """Yields your jobs, the newest first; it requests pages as they are needed. `id` is a part of the id."""
        async for summary in items(self.connection, "/v1/jobs", {**which, "id": id}, limit=limit):
            yield AsyncJob(self.connection, summary)

    async def get(self, job_id: str) -> AsyncJob:
        """Returns the job of this id. Raises `Problem` (404) if you have no such job."""
        return AsyncJob(self.connection, await self.connection.get(job_path(job_id)))

    def tasks(
        self,
        *,
        state: str | Sequence[str] = (),
        queue: str | None = None,
        run: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[TaskSummaryData]:
        """Yields the tasks of all your jobs, the newest first."""
        return items(self.connection, "/v1/tasks", {"state": state, "queue": queue, "run": run}, limit=limit)

    async def retry(
        self,
        *,
        dry_run: bool = False,
        expect: int | None = None,
        per_second: float | None = None,
        **which: Unpack[JobFilter],
    ) -> Counted:
        """Runs the failed and cancelled jobs that match again. With `expect`, only if exactly so many match."""
        return await self._act_on_many("retry", dry_run, expect, per_second, which)

    async def cancel(self, *, dry_run: bool = False, expect: int | None = None, **which: Unpack[JobFilter]) -> Counted:
        """Cancels the jobs that match and have not ended. With `expect`, only if exactly so many match."""
        return await self._act_on_many("cancel", dry_run, expect, None, which)

    async def queues(self) -> list[QueueData]:
        return await self._all("/v1/queues")

    async def pause(self, queue: str) -> QueueData:
        """Stops the queue from starting tasks; running tasks continue."""
        return cast("QueueData", await self.connection.send("POST", f"{queue_path(queue)}/pause"))

    async def resume(self, queue: str) -> QueueData:
        return cast("QueueData", await self.connection.send("POST", f"{queue_path(queue)}/resume"))

    async def purge(self, queue: str, *, dry_run: bool = False, expect: int | None = None) -> Counted:
        """Cancels the tasks of the queue that have not started. With `expect`, only if there are exactly so many."""
        body = without_none(dry_run=dry_run, expect=expect)
        return counted(await self.connection.send("POST", f"{queue_path(queue)}/purge", body))

    async def workers(self) -> list[WorkerData]:
        """Returns the worker processes of the last day."""
        return await self._all("/v1/workers")

    async def schedules(self) -> list[ScheduleData]:
        return await self._all("/v1/schedules")

    async def schedule(self, name: str, *, next: int | None = None) -> ScheduleData:
        """Returns a schedule with its next times: five, or up to twenty if `next` says so."""
        return cast("ScheduleData", await self.connection.get(schedule_path(name), {"next": next}))

    async def put_schedule(
        self,
        name: str,
        job: Mapping[str, Any] | None = None,
        *,
        report: Mapping[str, Any] | None = None,
        email: Mapping[str, Any] | None = None,
        certificates: Mapping[str, Any] | None = None,
        **timing: Any,
    ) -> ScheduleData:
        """Creates or replaces a schedule of one request, as `Bureau.put_schedule` does."""
        requests = without_none(job=job, report=report, email=email, certificates=certificates)
        return cast("ScheduleData", await self.connection.send("PUT", schedule_path(name), {**requests, **timing}))

    async def change_schedule(self, name: str, **changes: Any) -> ScheduleData:
        return cast("ScheduleData", await self.connection.send("PATCH", schedule_path(name), changes))

    async def delete_schedule(self, name: str) -> None:
        await self.connection.delete(schedule_path(name))

    async def run_schedule(self, name: str) -> AsyncJob:
        """Submits a job of the schedule now, in addition to its times."""
        return AsyncJob(self.connection, await self.connection.send("POST", f"{schedule_path(name)}/run"))

    async def reports(self) -> list[ReportData]:
        """Returns the reports that `report` accepts."""
        return await self._all("/v1/catalog/reports")

    async def catalog(self) -> list[CatalogTaskData]:
        """Returns the tasks that `task` accepts: those that services announced."""
        return await self._all("/v1/catalog/tasks")

    async def templates(self) -> list[TemplateData]:
        return await self._all("/v1/catalog/templates")

    async def readiness(self) -> ReadinessData:
        """Returns the gateway's health checks. It sends one request and does not retry."""
        return cast("ReadinessData", await self.connection.get_once("/readyz"))

    async def _all(self, path: str) -> list[Any]:
        return [item async for item in items(self.connection, path)]

    async def _act_on_many(
        self, verb: str, dry_run: bool, expect: int | None, per_second: float | None, which: JobFilter
    ) -> Counted:
        body = {"filter": conditions(which), **without_none(dry_run=dry_run, expect=expect, per_second=per_second)}
        return counted(await self.connection.send("POST", f"/v1/jobs/{verb}", body))
