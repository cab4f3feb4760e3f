"""The status of a dependency of Bureau: available, in need of attention, away, or unknown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bureau.ledger.reads.reported_outages import ReportedOutage

# The services' outside dependencies, by the queue whose workers report them.
OUTSIDE = {"mailer": "Mail transport", "certificates": "Certificates API"}


class DependencyStatus(StrEnum):
    """The status as the page shows it."""

    OK = "ok"
    WARNS = "warning"
    AWAY = "away"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Dependency:
    """A dependency: `since` when it has this status, where known; `detail` is its message, or what still works."""

    name: str
    standing: DependencyStatus = DependencyStatus.OK
    since: datetime | None = None
    detail: str | None = None


def outside(reported: Sequence[ReportedOutage], workers: Mapping[str, int]) -> list[Dependency]:
    """Returns the outside dependencies as workers report them; `workers` counts the live ones by queue."""
    found = []
    for queue, name in OUTSIDE.items():
        of_queue = [_away(one, name, workers.get(queue, 0)) for one in reported if one.queue == queue]
        alone = Dependency(name) if workers.get(queue) else _unknown(name, queue)
        found += of_queue or [alone]
    return found + [_away(one, "", workers.get(one.queue, 0)) for one in reported if one.queue not in OUTSIDE]


def _away(one: ReportedOutage, kind: str, live: int) -> Dependency:
    trouble = one.trouble
    name = trouble.name if not kind else kind if kind.lower() == trouble.name.lower() else f"{kind} {trouble.name}"
    some = f", reported by {one.workers} of {live} workers" if one.workers < live else ""
    why = trouble.why if trouble.why.endswith((".", "…")) else f"{trouble.why}."
    return Dependency(name, DependencyStatus.AWAY, trouble.since, f"{trouble.how.capitalize()}{some}: {why}")


def _unknown(name: str, queue: str) -> Dependency:
    return Dependency(name, DependencyStatus.UNKNOWN, detail=f"Not known, because no worker serves {queue}.")
