"""The end of a job, as those are told who count it."""

from collections.abc import Callable
from dataclasses import dataclass

from bureau.contracts.jobs.states import JobState


@dataclass(frozen=True)
class JobEnded:
    """How a job ended, and how long after its submission or the time it was to start at, whichever is later."""

    kind: str
    state: JobState
    seconds: float


Listener = Callable[[JobEnded], None]  # called once the end is committed
