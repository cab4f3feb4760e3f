"""Defines the limits that protect a source."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SourceLimits:
    """Holds the limits of a source.

    `at_a_time` is the number of concurrent reports, and so of connections, over all workers. `timeout_seconds` is the
    limit of one statement.
    """

    at_a_time: int = 4
    timeout_seconds: float = 1500.0  # less than a task's 30 minutes, so that the source's own error is reported
