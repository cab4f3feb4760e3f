"""Streams a job's events live, each once and in order, and reconnects as often as needed."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bureau.client.errors import ConnectionLost, Problem
from bureau.client.retrying import Outage
from bureau.client.server_events import EventReader

if TYPE_CHECKING:
    from bureau.client.connection import Connection

SILENCE_SECONDS = 45.0  # the gateway sends a comment every 15
OPEN_SECONDS = 5.0  # a stream that stayed open for this long counts as working, even without an event
STREAM = "text/event-stream"


@dataclass(frozen=True)
class Event:
    """Holds one event of a job.

    `id` grows by one within a job; `task` is None for events of the job itself. docs/events.md describes `type` and
    `data`; a newer gateway may send new types. `str()` gives a line for people.
    """

    id: int
    type: str
    at: datetime
    job: str
    task: str | None
    data: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.at.astimezone():%H:%M:%S %Z}  {self.line()}"

    def line(self) -> str:
        """Returns the line for people without its time."""
        text = _FORMATTERS.get(self.type, _other)(self)
        return f"{self.task}: {text}" if self.task else text


class Following:
    """Keeps how far the events of one job have been read, over as many connections as that takes."""

    def __init__(self, job_id: str, after: int) -> None:
        self.path = f"/v1/jobs/{job_id}/events"
        self.outage = Outage()
        self._last = self._last_before = after
        self._reader = EventReader()
        self._began = 0.0

    def connect(self) -> dict[str, str]:
        """Returns the headers of the next connection, which continues behind the last event."""
        self._last_before, self._began, self._reader = self._last, time.monotonic(), EventReader()
        return {"Accept": STREAM, **({"Last-Event-ID": str(self._last)} if self._last else {})}

    def take(self, chunk: bytes) -> Iterator[Event]:
        """Yields the events that the chunk completes."""
        for message in self._reader.take(chunk):
            event = event_from(json.loads(message.data))
            self._last = event.id
            yield event

    @property
    def advanced(self) -> bool:
        """Tells whether this connection brought an event."""
        return self._last > self._last_before

    @property
    def worked(self) -> bool:
        """Tells whether this connection brought an event or stayed open, so that its end begins a new outage."""
        return self.advanced or time.monotonic() - self._began > OPEN_SECONDS


def follow(connection: "Connection", job_id: str, *, after: int = 0) -> Iterator[Event]:
    """Yields the events after the one numbered `after`, until the job has ended and all its events are read.

    After a lost connection it reconnects and continues behind the last event. Raises `Problem`, and `Unreachable` if
    reconnecting fails for as long as the connection's patience lasts.
    """
    following = Following(job_id, after)
    while True:
        try:
            headers = following.connect()
            with connection.stream(following.path, headers, silence_seconds=SILENCE_SECONDS) as answer:
                if answer.status_code == 204:
                    return
                for chunk in answer.iter_bytes():
                    yield from following.take(chunk)
            if following.advanced:  # a normal end: the job's end or the stream's time limit; the next answer says which
                continue
            error: Exception = ConnectionLost("the stream of events ended at once")
        except (ConnectionLost, Problem) as lost:
            error = lost
        connection.wait_before_retry(error, following.outage, progressed=following.worked)


def event_from(data: dict[str, Any]) -> Event:
    """Builds an event from its JSON."""
    at = datetime.fromisoformat(data["at"])
    return Event(data["id"], data["type"], at, data["job"], data["task"], data["data"])


def _started(event: Event) -> str:
    attempt = event.data.get("attempt", 1)
    return "started" if attempt == 1 else f"started again, attempt {attempt}"


def _progressed(event: Event) -> str:
    return progress_line(event.data)


def progress_line(progress: Any) -> str:
    """Formats progress: `45 %, 450,000 of 1,000,000 rows`."""
    current, total = progress.get("current") or 0, progress.get("total")
    of = f" of {total:,.0f}" if total else ""
    percent = f"{progress['percent']:.0f} %, " if progress.get("percent") is not None else ""
    return f"{percent}{current:,.0f}{of} {progress.get('note') or ''}".rstrip()


def _logged(event: Event) -> str:
    return str(event.data.get("line", ""))


def _retrying(event: Event) -> str:
    if event.data.get("by") == "request":
        return "will run again, as requested"
    delay = event.data.get("delay_seconds") or 0
    when = f"in {delay:.0f} s" if delay >= 1 else "at once"
    return f"will be retried {when}{_error_text(event)}"


def _ended(event: Event) -> str:
    return f"{event.type.rpartition('.')[2]}{_error_text(event)}"


def _finished(event: Event) -> str:
    return f"The job {event.data.get('state', 'ended')}{_error_text(event)}"


def _other(event: Event) -> str:
    return event.type


def _error_text(event: Event) -> str:
    error = event.data.get("error")
    return f": {error['code']}: {error['message']}" if error else ""


_FORMATTERS = {
    "task.started": _started,
    "task.progressed": _progressed,
    "task.logged": _logged,
    "task.retrying": _retrying,
    "task.succeeded": _ended,
    "task.failed": _ended,
    "task.cancelled": _ended,
    "job.finished": _finished,
}
