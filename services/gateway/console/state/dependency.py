"""How something stands that Bureau needs: there, in need of attention, away, or not known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bureau.ledger.reads.reported_outages import ReportedOutage

# What services need from outside, by the queue whose workers can say.
OUTSIDE = {"mailer": "Mail transport", "certificates": "Certificates API"}


class DependencyStatus(StrEnum):
    """Its word on the page."""

    OK = "ok"
    WARNS = "warning"
    AWAY = "away"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Dependency:
    """`since` when it stands so, where that is known; `detail` in words, what it says or what works all the same."""

    name: str
    standing: DependencyStatus = DependencyStatus.OK
    since: datetime | None = None
    detail: str | None = None


def outside(told: Sequence[ReportedOutage], workers: Mapping[str, int]) -> list[Dependency]:
    """What the workers say of what they need; `workers` are the live ones by queue. Where none lives, none can say."""
    found = []
    for queue, name in OUTSIDE.items():
        of_queue = [_away(one, name, workers.get(queue, 0)) for one in told if one.queue == queue]
        alone = Dependency(name) if workers.get(queue) else _unknown(name, queue)
        found += of_queue or [alone]
    return found + [_away(one, "", workers.get(one.queue, 0)) for one in told if one.queue not in OUTSIDE]


def _away(one: ReportedOutage, kind: str, live: int) -> Dependency:
    trouble = one.trouble
    name = trouble.name if not kind else kind if kind.lower() == trouble.name.lower() else f"{kind} {trouble.name}"
    some = f", says {one.workers} of {live} workers" if one.workers < live else ""
    why = trouble.why if trouble.why.endswith((".", "…")) else f"{trouble.why}."
    return Dependency(name, DependencyStatus.AWAY, trouble.since, f"{trouble.how.capitalize()}{some}: {why}")


def _unknown(name: str, queue: str) -> Dependency:
    return Dependency(name, DependencyStatus.UNKNOWN, detail=f"No worker serves {queue}, so none can tell.")
