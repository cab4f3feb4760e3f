"""Merges the outages that live workers report: each worker notices an outage for itself."""

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import select

from bureau.contracts.outage import Outage
from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import workers as workers_table
from bureau.ledger.dispatch.workers import LIVE, outages_of


@dataclass(frozen=True)
class ReportedOutage:
    """An outage that `workers` live workers of a queue report; `trouble` is the report of the first."""

    queue: str
    workers: int
    trouble: Outage


def away(db: Database) -> list[ReportedOutage]:
    """Returns each outage once, by queue and name."""
    columns = workers_table.c
    query = select(columns.queue, columns.trouble).where(LIVE, columns.trouble.is_not(None))
    by_name: dict[tuple[str, str], list[Outage]] = defaultdict(list)
    with db.read() as connection:
        for queue, outages in connection.execute(query):
            for one in outages_of(outages):
                by_name[queue, one.name].append(one)
    return [
        ReportedOutage(queue, len(of), min(of, key=lambda one: one.since)) for (queue, _), of in sorted(by_name.items())
    ]
