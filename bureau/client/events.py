"""Streams a job's events live, each once and in order, and reconnects as often as needed."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bureau.client.errors import ConnectionLost, Problem
from bureau.client.server_events import messages

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


def follow(connection: "Connection", job_id: str, *, after: int = 0) -> Iterator[Event]:
    """Yields the events after the one numbered `after`, until the job has ended and all its events are read.

    After a lost connection it reconnects and continues behind the last event. Raises `Problem`, and `Unreachable` if
    reconnecting fails for as long as the connection's patience lasts.
    """
    last, failures, since = after, 0, 0.0
    while True:
        last_before, began = last, time.monotonic()
        try:
            headers = {"Accept": STREAM, **({"Last-Event-ID": str(last)} if last else {})}
            with connection.stream(f"/v1/jobs/{job_id}/events", headers, silence_seconds=SILENCE_SECONDS) as answer:
                if answer.status_code == 204:
                    return
                for message in messages(answer.iter_bytes()):
                    event = event_from(json.loads(message.data))
                    last = event.id
                    yield event
            if last > last_before:  # a normal end: the job's end or the stream's time limit; the next answer says which
                continue
            error: Exception = ConnectionLost("the stream of events ended at once")
        except (ConnectionLost, Problem) as lost:
            error = lost
        if not failures or last > last_before or time.monotonic() - began > OPEN_SECONDS:
            failures, since = 0, time.monotonic()
        failures += 1
        connection.wait_before_retry(failures, since, error)


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
