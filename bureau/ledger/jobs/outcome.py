"""How a claim can end, as the runner says it to `finish`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bureau.ledger.files.artifacts import StoredArtifact
from bureau.ledger.jobs.submit import NewTask


@dataclass(frozen=True)
class Succeeded:
    """`result` is JSON; `made` become artifacts, `removed` are given out no more; `progress` is the last one."""

    result: Any
    progress: dict[str, Any] | None = None
    made: Sequence[StoredArtifact] = ()
    removed: Sequence[UUID] = ()
    added: Sequence[NewTask] = ()  # to the job


@dataclass(frozen=True)
class Failed:
    """For good. `made` become artifacts all the same."""

    error: dict[str, Any]
    made: Sequence[StoredArtifact] = ()


@dataclass(frozen=True)
class RetryLater:
    """Ready again in `delay` seconds. `counted`: an attempt was spent; otherwise it was postponed."""

    delay: float
    error: dict[str, Any]
    counted: bool


@dataclass(frozen=True)
class Released:
    """Ready again at once, as if it had not been claimed: the worker is going down."""


@dataclass(frozen=True)
class Cancelled:
    """Stopped because it was asked to."""


Outcome = Succeeded | Failed | RetryLater | Released | Cancelled
