"""Decides whether a queue is in trouble. The API, the console, the command and the doctor all say what this says."""

from enum import StrEnum

BEHIND_SECONDS = 60.0  # a minute is longer than any restart of a worker or any lost hint of an idle queue takes


class QueueTrouble(StrEnum):
    """The one thing that is wrong with a queue, the gravest first."""

    PAUSED = "paused"  # an operator paused it
    NO_WORKER = "no_worker"  # work is due or was running, and no live worker serves the queue
    STALLED = "stalled"  # the oldest due task has waited for long, and nothing runs
    BEHIND = "behind"  # the oldest due task has waited for long while others run


def queue_trouble(
    *, paused: bool, due: int, running: int, workers: int, oldest_due_seconds: float
) -> QueueTrouble | None:
    """Returns what is wrong with a queue of these numbers, or None."""
    if paused:
        return QueueTrouble.PAUSED
    if (due or running) and not workers:
        return QueueTrouble.NO_WORKER
    if due and oldest_due_seconds >= BEHIND_SECONDS:
        return QueueTrouble.BEHIND if running else QueueTrouble.STALLED
    return None
