"""Puts a job's events into words, and the reason why it waits. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bureau.formatting import count
from bureau.ledger.reads.event_history import Happened
from bureau.services.gateway.console.text.words import duration

MOST_LETTERS = 400  # in a line on the page
_SIGNS = {
    "task.started": "▶",
    "task.logged": " ",
    "task.retrying": "↻",
    "task.succeeded": "✓",
    "task.failed": "✕",
    "task.cancelled": "⊘",
    "task.skipped": "⇥",
    "job.finished": "■",
}


@dataclass(frozen=True)
class RenderedEvent:
    """A line of the timeline; `kind` is the event's type without its dot."""

    at: datetime
    sign: str
    kind: str
    task: str | None
    text: str


def render_event(event: Happened) -> RenderedEvent:
    text = _text(event.type, event.data)
    short = text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}…"
    return RenderedEvent(event.at, _SIGNS.get(event.type, "·"), event.type.replace(".", "-"), event.task, short)


def _text(kind: str, data: Mapping[str, Any]) -> str:
    match kind:
        case "task.logged":
            return str(data.get("line", ""))
        case "task.retrying" if data.get("by") == "request":
            delay = float(data.get("delay_seconds", 0))
            return "asked to run again" + (f", in {duration(delay)}" if delay >= 1 else "")
        case "task.retrying":
            counted = "" if data.get("counted", True) else ", not counted as an attempt"
            return f"tries again in {duration(float(data.get('delay_seconds', 0)))}{counted}, {_error(data)}"
        case "task.failed" | "task.cancelled":
            return f"{kind.partition('.')[2]}, {_error(data)}"
        case "job.finished":
            return f"the job {data.get('state', 'ended')}"
        case _:
            return kind.partition(".")[2]


def _error(data: Mapping[str, Any]) -> str:
    error = data.get("error") or {}
    return ": ".join(filter(None, (error.get("code"), error.get("message")))) or "no reason was given"


def why_it_waits(waiting: Mapping[str, Any] | None, run: str | None, queue: str | None) -> str | None:
    """Returns a sentence, or None for a job that does not wait. `run` and `queue` are those of its next task."""
    if waiting is None:
        return None
    seconds, place = waiting.get("starts_in_seconds"), waiting.get("position")
    soon = f" It should start in about {duration(float(seconds))}." if seconds is not None else ""
    match waiting["reason"]:
        case "behind":
            ahead = f"{count(place - 1, 'task')} ahead of it" if place and place > 1 else "it is next"
            return f"It waits its turn in the queue {queue}: {ahead}.{soon}"
        case "not_due":
            return f"It is not due yet.{soon}"
        case "retrying":
            return f"The last attempt failed, and it will be tried again.{soon}"
        case "queue_paused":
            return f"The queue {queue} is paused. It starts after somebody resumes the queue."
        case "no_worker":
            return f"No running worker has the task {run} of the queue {queue}. It starts when one does."
        case _:
            return "It waits for other tasks."
