"""A job as its client sees it: follow it, wait for it, take what it made, act on it."""

import time
from collections.abc import Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Self, cast

from bureau.client import events
from bureau.client.artifact import Artifact
from bureau.client.errors import BureauError, NoSuchArtifact, NoSuchTask, NotInTime
from bureau.client.events import Event
from bureau.client.pages import items
from bureau.client.shapes import JobData, JobErrorData, JobSummaryData, ProgressData, TaskData

if TYPE_CHECKING:
    from bureau.client.connection import Connection

LONGEST_WAIT_SECONDS = 30  # that the gateway grants one request
LEAST_WAIT_SECONDS = 0.25  # between two questions, should a gateway not wait

_ENDS = {"failed": "failed", "cancelled": "was cancelled"}


class JobFailed(BureauError):
    """The job ended `failed` or `cancelled`; `job` is the whole of it."""

    def __init__(self, job: "Job") -> None:
        super().__init__(job.id)
        self.job = job

    def __str__(self) -> str:
        error = self.job.error
        why = f": {error['code']}: {error['message']}" if error else ""
        details = "".join(f"\n* {line}" for line in detail_lines(error))
        return f"The job {self.job.title!r} ({self.job.id}) {_ENDS.get(self.job.state, self.job.state)}{why}{details}"


def detail_lines(error: JobErrorData | None) -> list[str]:
    """Returns a line for each of several errors that a failed job reports, such as those in a roster."""
    lines = []
    for detail in error.get("details", []) if error else []:
        line = f", line {detail['line']}" if detail["line"] else ""
        lines.append(f"{detail['file']}{line}: {detail['message']}" if detail["file"] else detail["message"])
    return lines


class Job:
    """`data` is what the API said last; `refresh` asks again, and so does whatever acts on the job."""

    def __init__(self, connection: "Connection", data: JobData | JobSummaryData) -> None:
        self._connection = connection
        self.data = data
        self.id = data["id"]

    def __repr__(self) -> str:
        return f"Job({self.id!r}, {self.title!r}, {self.state})"

    @property
    def kind(self) -> str:
        return self.data["kind"]

    @property
    def title(self) -> str:
        return self.data["title"]

    @property
    def state(self) -> str:
        """`scheduled`, `queued`, `running`, `succeeded`, `failed` or `cancelled`."""
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
    def progress(self) -> ProgressData | None:
        return self.whole()["progress"]

    @property
    def tasks(self) -> list[TaskData]:
        """The first 100 of them; `all_tasks` has the rest too."""
        return self.whole()["tasks"]

    @property
    def artifacts(self) -> list[Artifact]:
        """The files it made so far."""
        return [Artifact(self._connection, artifact) for artifact in self.whole()["artifacts"]]

    def all_tasks(self) -> Iterator[TaskData]:
        return cast("Iterator[TaskData]", items(self._connection, f"/v1/jobs/{self.id}/tasks"))

    def result(self, task: str | None = None) -> Any:
        """What the task of this name returned, or the only one. Raises `NoSuchTask`."""
        tasks = self.tasks
        if task is None:
            if len(tasks) != 1:
                raise NoSuchTask(f"The job has {len(tasks)} tasks; name one: {_listed(t['name'] for t in tasks)}.")
            return tasks[0]["result"]
        for found in tasks if len(tasks) < 100 else self.all_tasks():
            if found["name"] == task:
                return found["result"]
        raise NoSuchTask(f"The job has no task {task!r}; it has {_listed(t['name'] for t in tasks)}.")

    def artifact(self, name: str = "*", *, task: str | None = None) -> Artifact:
        """The one file of this name, or of this pattern (`sales-*.csv`), or that there is, made by `task` if given.

        A file that has the name is preferred to others that fit it as a pattern, and those to one whose name goes on
        with parameters: `sales.csv` finds `sales-2026.csv`. Raises `NoSuchArtifact` where none or several fit.
        """
        made = [artifact for artifact in self.artifacts if task in (None, artifact.data["task"])]
        stem, dot, ending = name.partition(".")
        found = [artifact for artifact in made if artifact.name == name]
        for pattern in (name, f"{stem}-*{dot}{ending}"):
            found = found or [artifact for artifact in made if fnmatchcase(artifact.name, pattern)]
        if len(found) == 1:
            return found[0]
        many = "has several files that fit" if found else "has no file"
        there = f"it has {_listed(a.name for a in made)}" if made else "it has none"
        raise NoSuchArtifact(f"The job {self.title!r} ({self.state}) {many} {name!r}; {there}.")

    def follow(self, *, after: int = 0) -> Iterator[Event]:
        """Its whole story, then what comes, until it has ended; a lost connection is made again. `refresh` is yours."""
        return events.follow(self._connection, self.id, after=after)

    def wait(self, seconds: float | None = None, *, check: bool = True) -> Self:
        """Until it has ended, for ever where `seconds` is None.

        Raises `NotInTime`, and `JobFailed` where it did not succeed, unless `check` is False.
        """
        ends = None if seconds is None else time.monotonic() + seconds
        while not self.ended:
            left = LONGEST_WAIT_SECONDS if ends is None else ends - time.monotonic()
            if left <= 0:
                raise NotInTime(f"The job {self.title!r} ({self.id}) is still {self._standing()} after {seconds:g} s.")
            self._ask(min(left, LONGEST_WAIT_SECONDS))
        if check and self.state != "succeeded":
            raise JobFailed(self)
        return self

    def refresh(self) -> Self:
        self.data = self._connection.get(f"/v1/jobs/{self.id}")
        return self

    def retry(self) -> Self:
        """What did not succeed runs again. Raises `Problem` (`job-not-failed`)."""
        return self._act("retry")

    def cancel(self) -> Self:
        """What has not started is cancelled, what runs is asked to stop. Raises `Problem` (`job-ended`)."""
        return self._act("cancel")

    def delete(self) -> None:
        """The job, its log and its files. Raises `Problem` (`job-not-ended`)."""
        self._connection.delete(f"/v1/jobs/{self.id}")

    def link(self, expires_in_seconds: int = 86_400) -> str:
        """An address that shows the job, and lets its files be fetched, to whoever has it."""
        made = self._connection.send("POST", f"/v1/jobs/{self.id}/links", {"expires_in_seconds": expires_in_seconds})
        return str(made["url"])

    def whole(self) -> JobData:
        """With its tasks and files, which a list of jobs does not hold."""
        if "tasks" not in self.data:
            self.refresh()
        return cast("JobData", self.data)

    def _standing(self) -> str:
        """`queued (no worker)`"""
        waiting = self.whole()["waiting"]
        return f"{self.state} ({waiting['reason'].replace('_', ' ')})" if waiting else self.state

    def _act(self, verb: str) -> Self:
        self.data = self._connection.send("POST", f"/v1/jobs/{self.id}/{verb}")
        return self

    def _ask(self, seconds: float) -> None:
        asked = time.monotonic()
        wait = max(1, round(seconds)) if seconds >= 1 else 0
        self.data = self._connection.get(f"/v1/jobs/{self.id}", headers={"Prefer": f"wait={wait}"} if wait else {})
        early = LEAST_WAIT_SECONDS - (time.monotonic() - asked)
        if not self.ended and early > 0:
            time.sleep(min(early, seconds))


def _listed(names: Any) -> str:
    found = list(names)
    return ", ".join(map(repr, found[:20])) + (f" and {len(found) - 20} more" if len(found) > 20 else "")
