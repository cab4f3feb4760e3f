"""Defines the notification that a job has ended, which metrics count."""

from collections.abc import Callable
from dataclasses import dataclass

from bureau.contracts.jobs.states import JobState


@dataclass(frozen=True)
class JobEnded:
    """Holds a job's outcome, and the seconds since its submission or its `run_at`, whichever is later."""

    kind: str
    state: JobState
    seconds: float


Listener = Callable[[JobEnded], None]  # called once the end is committed
