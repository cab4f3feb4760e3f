"""Defines `AsyncJob`: what may send a request is awaited, and what was last read is an attribute."""

import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Self, cast

from bureau.client.aio.artifact import AsyncArtifact
from bureau.client.aio.pages import items
from bureau.client.errors import ConnectionLost, Problem
from bureau.client.events import SILENCE_SECONDS, Event, Following
from bureau.client.job import (
    MAX_POLL_SECONDS,
    MIN_POLL_SECONDS,
    TASKS_IN_JOB,
    JobFacts,
    JobFailed,
    choose_file,
    no_such_task,
    not_in_time,
    only_result,
    poll_headers,
)
from bureau.client.shapes import JobData, JobSummaryData, ProgressData, TaskData

if TYPE_CHECKING:
    from bureau.client.aio.connection import AsyncConnection


class AsyncJob(JobFacts):
    """Represents a job. `data` is the API's last answer; `refresh` and every action on the job renew it."""

    def __init__(self, connection: "AsyncConnection", data: JobData | JobSummaryData) -> None:
        super().__init__(data)
        self._connection = connection

    async def progress(self) -> ProgressData | None:
        return (await self.whole())["progress"]

    async def tasks(self) -> list[TaskData]:
        """Returns the first 100 tasks; `all_tasks` yields the others too."""
        return (await self.whole())["tasks"]

    async def artifacts(self) -> list[AsyncArtifact]:
        """Returns the files that the job has made so far."""
        return [AsyncArtifact(self._connection, artifact) for artifact in (await self.whole())["artifacts"]]

    def all_tasks(self) -> AsyncIterator[TaskData]:
        return items(self._connection, f"{self.path}/tasks")

    async def result(self, task: str | None = None) -> Any:
        """Returns the result of the task of this name; a job of one task needs no name. Raises `NoSuchTask`."""
        tasks = await self.tasks()
        if task is None:
            return only_result(tasks)
        for candidate in tasks:
            if candidate["name"] == task:
                return candidate["result"]
        if len(tasks) >= TASKS_IN_JOB:
            async for candidate in self.all_tasks():
                if candidate["name"] == task:
                    return candidate["result"]
        raise no_such_task(task, tasks)

    async def artifact(self, name: str = "*", *, task: str | None = None) -> AsyncArtifact:
        """Returns the one file that matches a name or pattern, as `Job.artifact` does. Raises `NoSuchArtifact`."""
        return choose_file(self, await self.artifacts(), name, task)

    async def follow(self, *, after: int = 0) -> AsyncIterator[Event]:
        """Yields all events of the job, past and future, until it has ended. Raises `Problem`, `Unreachable`.

        It reconnects after a lost connection. It does not renew `data`: call `refresh`.
        """
        following = Following(self.id, after)
        while True:
            try:
                headers = following.connect()
                async with self._connection.stream(following.path, headers, silence_seconds=SILENCE_SECONDS) as answer:
                    if answer.status_code == 204:
                        return
                    async for chunk in answer.aiter_bytes():
                        for event in following.take(chunk):
                            yield event
                if following.advanced:  # a normal end: the next answer says whether of the job or of the stream
                    continue
                error: Exception = ConnectionLost("the stream of events ended at once")
            except (ConnectionLost, Problem) as lost:
                error = lost
            await self._connection.wait_before_retry(error, following.outage, progressed=following.worked)

    async def wait(self, seconds: float | None = None, *, check: bool = True) -> Self:
        """Waits until the job has ended, at most `seconds`, or without limit if that is None.

        Raises `NotInTime` after that time, and `JobFailed` if the job did not succeed, unless `check` is False.
        """
        ends = None if seconds is None else time.monotonic() + seconds
        while not self.ended:
            left = MAX_POLL_SECONDS if ends is None else ends - time.monotonic()
            if left <= 0:
                raise not_in_time(self, await self.whole(), seconds)
            await self._poll(min(left, MAX_POLL_SECONDS))
        if check and self.state != "succeeded":
            raise JobFailed(self)
        return self

    async def refresh(self) -> Self:
        self.data = await self._connection.get(self.path)
        return self

    async def retry(self) -> Self:
        """Runs the tasks again that did not succeed. Raises `Problem` (`job-not-failed`)."""
        return await self._send_action("retry")

    async def cancel(self) -> Self:
        """Cancels the tasks that have not started and asks running ones to stop. Raises `Problem` (`job-ended`)."""
        return await self._send_action("cancel")

    async def delete(self) -> None:
        """Deletes the job, its log and its files. Raises `Problem` (`job-not-ended`)."""
        await self._connection.delete(self.path)

    async def link(self, expires_in_seconds: int = 86_400) -> str:
        """Returns an address with which anybody can see the job and download its files until it expires."""
        made = await self._connection.send("POST", f"{self.path}/links", {"expires_in_seconds": expires_in_seconds})
        return str(made["url"])

    async def whole(self) -> JobData:
        """Returns the data with tasks and files; a list of jobs does not hold these, so they may be requested now."""
        if "tasks" not in self.data:
            await self.refresh()
        return cast("JobData", self.data)

    async def _send_action(self, verb: str) -> Self:
        self.data = await self._connection.send("POST", f"{self.path}/{verb}")
        return self

    async def _poll(self, seconds: float) -> None:
        asked_at = time.monotonic()
        self.data = await self._connection.get(self.path, headers=poll_headers(seconds))
        early = MIN_POLL_SECONDS - (time.monotonic() - asked_at)
        if not self.ended and early > 0:
            await self._connection.sleep(min(early, seconds))
