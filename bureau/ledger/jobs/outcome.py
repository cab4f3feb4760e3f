"""Defines the outcomes of a claim that the runner passes to `finish`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bureau.ledger.files.artifacts import StoredArtifact
from bureau.ledger.jobs.submit import NewTask


@dataclass(frozen=True)
class Succeeded:
    """Ends the task in success; `result` is JSON, `progress` the last report.

    The files in `made` become artifacts; those in `removed` are no longer served.
    """

    result: Any
    progress: dict[str, Any] | None = None
    made: Sequence[StoredArtifact] = ()
    removed: Sequence[UUID] = ()
    added: Sequence[NewTask] = ()  # new tasks of the job


@dataclass(frozen=True)
class Failed:
    """Fails the task permanently. `made` become artifacts all the same."""

    error: dict[str, Any]
    made: Sequence[StoredArtifact] = ()
    traceback: str | None = None  # kept with the attempt, as is that of `RetryLater`


@dataclass(frozen=True)
class RetryLater:
    """Makes the task ready again in `delay` seconds. `counted`: an attempt was used; otherwise it was postponed."""

    delay: float
    error: dict[str, Any]
    counted: bool
    traceback: str | None = None


@dataclass(frozen=True)
class Released:
    """Makes the task ready again at once, as if it had not been claimed, because the worker shuts down."""


@dataclass(frozen=True)
class Cancelled:
    """Ends the task as cancelled, because it was asked to stop."""


Outcome = Succeeded | Failed | RetryLater | Released | Cancelled
