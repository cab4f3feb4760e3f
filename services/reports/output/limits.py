"""What a source is spared."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """`at_a_time`: reports, and with that connections, of all workers; `timeout_seconds`: of one statement."""

    at_a_time: int = 4
    timeout_seconds: float = 1500.0  # below a task's 30 minutes, so that the source's own reason is told
