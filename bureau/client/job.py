"""Defines the client's `Job`: follow it, wait for it, read its results and files, retry or cancel it."""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from bureau.client import events
from bureau.client.artifact import Artifact, StoredFile
from bureau.client.errors import BureauError, NoSuchArtifact, NoSuchTask, NotInTime
from bureau.client.events import Event
from bureau.client.pages import items
from bureau.client.shapes import JobData, JobErrorData, JobSummaryData, ProgressData, TaskData

if TYPE_CHECKING:
    from bureau.client.connection import Connection

MAX_POLL_SECONDS = 30  # the longest time that the gateway lets one request wait
MIN_POLL_SECONDS = 0.25  # the pause between two requests, in case a gateway does not wait
TASKS_IN_JOB = 100  # the API's answer about a job holds so many of its tasks

File = TypeVar("File", bound=StoredFile)
_STATE_TEXTS = {"failed": "failed", "cancelled": "was cancelled"}


class JobFailed(BureauError):
    """Says that the job ended `failed` or `cancelled`; `job` is that job."""

    def __init__(self, job: "JobFacts") -> None:
        super().__init__(job.id)
        self.job = job

    def __str__(self) -> str:
        error = self.job.error
        why = f": {error['code']}: {error['message']}" if error else ""
        details = "".join(f"\n* {line}" for line in detail_lines(error))
        state = _STATE_TEXTS.get(self.job.state, self.job.state)
        return f"The job {self.job.title!r} ({self.job.id}) {state}{why}{details}"


def detail_lines(error: JobErrorData | None) -> list[str]:
    """Returns a line for each of several errors that a failed job reports, such as those in a roster."""
    lines = []
    for detail in error.get("details", []) if error else []:
        line = f", line {detail['line']}" if detail["line"] else ""
        lines.append(f"{detail['file']}{line}: {detail['message']}" if detail["file"] else detail["message"])
    return lines


class JobFacts:
    """Represents a job as it was last read: `data` is the API's last answer."""

    def __init__(self, data: JobData | JobSummaryData) -> None:
        self.data = data
        self.id = data["id"]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r}, {self.title!r}, {self.state})"

    @property
    def kind(self) -> str:
        return self.data["kind"]

    @property
    def title(self) -> str:
        return self.data["title"]

    @property
    def state(self) -> str:
        """Returns `scheduled`, `queued`, `running`, `succeeded`, `failed` or `cancelled`."""
        return self.data["state"]

    @property
    def ended(self) -> bool:
        return self.data["finished_at"] is not None

    @property
    def error(self) -> JobErrorData | None:
        return self.data["error"]

    @property
    def created_at(self) -> datetime:
        return datetime.fromisoformat(self.data["created_at"])

    @property
    def path(self) -> str:
        return f"/v1/jobs/{self.id}"


class Job(JobFacts):
    """Represents a job. `data` is the API's last answer; `refresh` and every action on the job renew it."""

    def __init__(self, connection: "Connection", data: JobData | JobSummaryData) -> None:
        super().__init__(data)
        self._connection = connection

    @property
    def progress(self) -> ProgressData | None:
        return self.whole()["progress"]

    @property
    def tasks(self) -> list[TaskData]:
        """Returns the first 100 tasks; `all_tasks` yields the others too."""
        return self.whole()["tasks"]

    @property
    def artifacts(self) -> list[Artifact]:
        """Returns the files that the job has made so far."""
        return [Artifact(self._connection, artifact) for artifact in self.whole()["artifacts"]]

    def all_tasks(self) -> Iterator[TaskData]:
        return cast("Iterator[TaskData]", items(self._connection, f"{self.path}/tasks"))

    def result(self, task: str | None = None) -> Any:
        """Returns the result of the task of this name; a job of one task needs no name. Raises `NoSuchTask`."""
        tasks = self.tasks
        if task is None:
            return only_result(tasks)
        for candidate in tasks if len(tasks) < TASKS_IN_JOB else self.all_tasks():
            if candidate["name"] == task:
                return candidate["result"]
        raise no_such_task(task, tasks)

    def artifact(self, name: str = "*", *, task: str | None = None) -> Artifact:
        """Returns the one file that matches a name or pattern (`sales-*.csv`), made by the task `task` if given.

        A file of exactly this name wins over files that match it as a pattern. These win over files whose name
        continues with parameters: `sales.csv` finds `sales-2026.csv`. Raises `NoSuchArtifact` if no file or several
        files match.
        """
        return choose_file(self, self.artifacts, name, task)

    def follow(self, *, after: int = 0) -> Iterator[Event]:
        """Yields all events of the job, past and future, until it has ended. Raises `Problem`, `Unreachable`.

        It reconnects after a lost connection. It does not renew `data`: call `refresh`.
        """
        return events.follow(self._connection, self.id, after=after)

    def wait(self, seconds: float | None = None, *, check: bool = True) -> Self:
        """Waits until the job has ended, at most `seconds`, or without limit if that is None.

        Raises `NotInTime` after that time, and `JobFailed` if the job did not succeed, unless `check` is False.
        """
        ends = None if seconds is None else time.monotonic() + seconds
        while not self.ended:
            left = MAX_POLL_SECONDS if ends is None else ends - time.monotonic()
            if left <= 0:
                raise not_in_time(self, self.whole(), seconds)
            self._poll(min(left, MAX_POLL_SECONDS))
        if check and self.state != "succeeded":
            raise JobFailed(self)
        return self

    def refresh(self) -> Self:
        self.data = self._connection.get(self.path)
        return self

    def retry(self) -> Self:
        """Runs the tasks again that did not succeed. Raises `Problem` (`job-not-failed`)."""
        return self._send_action("retry")

    def cancel(self) -> Self:
        """Cancels the tasks that have not started and asks running ones to stop. Raises `Problem` (`job-ended`)."""
        return self._send_action("cancel")

    def delete(self) -> None:
        """Deletes the job, its log and its files. Raises `Problem` (`job-not-ended`)."""
        self._connection.delete(self.path)

    def link(self, expires_in_seconds: int = 86_400) -> str:
        """Returns an address with which anybody can see the job and download its files until it expires."""
        made = self._connection.send("POST", f"{self.path}/links", {"expires_in_seconds": expires_in_seconds})
        return str(made["url"])

    def whole(self) -> JobData:
        """Returns the data with tasks and files; a list of jobs does not hold these, so they may be requested now."""
        if "tasks" not in self.data:
            self.refresh()
        return cast("JobData", self.data)

    def _send_action(self, verb: str) -> Self:
        self.data = self._connection.send("POST", f"{self.path}/{verb}")
        return self

    def _poll(self, seconds: float) -> None:
        asked_at = time.monotonic()
        self.data = self._connection.get(self.path, headers=poll_headers(seconds))
        early = MIN_POLL_SECONDS - (time.monotonic() - asked_at)
        if not self.ended and early > 0:
            time.sleep(min(early, seconds))


def only_result(tasks: Sequence[TaskData]) -> Any:
    """Returns the result of the only task. Raises `NoSuchTask`."""
    if len(tasks) != 1:
        raise NoSuchTask(f"The job has {len(tasks)} tasks; name one: {_names(t['name'] for t in tasks)}.")
    return tasks[0]["result"]


def no_such_task(name: str, tasks: Sequence[TaskData]) -> NoSuchTask:
    return NoSuchTask(f"The job has no task {name!r}; it has {_names(t['name'] for t in tasks)}.")


def choose_file(job: JobFacts, files: Sequence[File], name: str, task: str | None) -> File:
    """Returns the one file that matches: see `Job.artifact`. Raises `NoSuchArtifact`."""
    made = [file for file in files if task in (None, file.data["task"])]
    stem, dot, ending = name.partition(".")
    matching = [file for file in made if file.name == name]
    for pattern in (name, f"{stem}-*{dot}{ending}"):
        matching = matching or [file for file in made if fnmatchcase(file.name, pattern)]
    if len(matching) == 1:
        return matching[0]
    many = "has several files that match" if matching else "has no file"
    available = f"it has {_names(file.name for file in made)}" if made else "it has none"
    raise NoSuchArtifact(f"The job {job.title!r} ({job.state}) {many} {name!r}; {available}.")


def not_in_time(job: JobFacts, data: JobData, seconds: float | None) -> NotInTime:
    """Returns the error of a wait, which tells why the job still waits: `queued (no worker)`."""
    waiting = data["waiting"]
    state = f"{job.state} ({waiting['reason'].replace('_', ' ')})" if waiting else job.state
    return NotInTime(f"The job {job.title!r} ({job.id}) is still {state} after {seconds:g} s.")


def poll_headers(seconds: float) -> dict[str, str]:
    """Returns the headers of a request that the gateway answers when the job has ended, or after these seconds."""
    return {"Prefer": f"wait={max(1, round(seconds))}"} if seconds >= 1 else {}


def _names(names: Any) -> str:
    all_names = list(names)
    more = f" and {len(all_names) - 20} more" if len(all_names) > 20 else ""
    return ", ".join(map(repr, all_names[:20])) + more
