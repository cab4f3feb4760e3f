"""Confirms an action once, on the next page. A word in the address selects the text: no foreign text is shown."""

from collections.abc import Callable, Mapping

from bureau.formatting import count

_TEXTS: dict[str, Callable[[int], str]] = {
    "cancelled": lambda _: "The job is being cancelled.",
    "retried": lambda _: "The job runs again.",
    "submitted": lambda _: "The job was accepted. This page shows its progress.",
    "jobs-cancelled": lambda n: f"{count(n, 'job')} cancelled. Running tasks are asked to stop.",
    "jobs-retried": lambda n: f"{count(n, 'job')} will run again.",
    "queue-paused": lambda _: "The queue is paused: its tasks do not start, and running ones continue.",
    "queue-resumed": lambda _: "The queue is resumed.",
    "queue-purged": lambda n: f"{count(n, 'task')} cancelled.",
    "schedule-saved": lambda _: "The schedule is saved.",
    "schedule-deleted": lambda _: "The schedule is deleted. The jobs that it made stay.",
    "schedule-paused": lambda _: "The schedule is paused.",
    "schedule-resumed": lambda _: "The schedule is resumed.",
    "logged-out": lambda _: "You are logged out.",
}
MOST = 10**9


def read(query: Mapping[str, str]) -> str | None:
    text = _TEXTS.get(query.get("done", ""))
    number = query.get("n", "0")
    return text(min(int(number), MOST)) if text and number.isdecimal() and number.isascii() else None
