"""Registers worker processes. Each keeps a row up to date, with the catalog of its tasks, reports and templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from bureau.contracts.catalog import Catalog
from bureau.contracts.outage import Outage
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later, now
from bureau.ledger.db.tables import workers as workers_table

SEEN_SECONDS = 30.0  # a worker that was not seen for longer is not live
PACE_SECONDS = 10.0  # the time over which a worker counts its claims
TROUBLES = 10  # the most outages that a worker's row holds
KEPT_SECONDS = 24 * 3600.0  # a dead worker's row stays for a day, and its catalog while its service has no live worker


@dataclass(frozen=True)
class NewWorker:
    """Describes a worker process and its queue, as it registers at start."""

    id: str
    service: str
    queue: str
    version: str
    host: str
    pid: int
    threads: int
    catalog: Catalog


@dataclass(frozen=True)
class WorkerRow:
    """Describes a worker for the API. Only a live one has `trouble`: the last outage of a dead one may be over."""

    id: str
    service: str
    queue: str
    version: str
    host: str
    pid: int
    threads: int
    busy: int
    memory_bytes: int | None
    trouble: tuple[Outage, ...]
    started_at: datetime
    seen_at: datetime
    live: bool


def register(db: Database, worker: NewWorker) -> None:
    """Inserts a worker's row. A row with its id is its own, written before the answer to a COMMIT was lost."""
    with db.transaction() as connection:
        connection.execute(delete(workers_table).where(workers_table.c.seen_at < later(-KEPT_SECONDS)))
        own = update(workers_table).where(workers_table.c.id == worker.id).values(seen_at=now(), stopped_at=None)
        if connection.execute(own).rowcount:
            return
        connection.execute(
            insert(workers_table).values(
                id=worker.id,
                service=worker.service,
                queue=worker.queue,
                version=worker.version,
                host=worker.host,
                pid=worker.pid,
                threads=worker.threads,
                catalog=worker.catalog.model_dump(mode="json"),
                started_at=now(),
                seen_at=now(),
            )
        )


def seen(
    db: Database,
    worker_id: str,
    *,
    busy: int,
    claimed: int,
    memory_bytes: int | None = None,
    trouble: Sequence[Outage] = (),
) -> bool:
    """Renews a worker's row. Returns False if the row is gone and the worker should register again."""
    with db.transaction() as connection:
        kept = connection.execute(
            update(workers_table)
            .where(workers_table.c.id == worker_id)
            .values(
                seen_at=now(),
                busy=busy,
                claimed=claimed,
                memory_bytes=memory_bytes,
                trouble=[one.model_dump(mode="json") for one in trouble[:TROUBLES]] or None,
                stopped_at=None,
            )
        )
    return kept.rowcount > 0


def stopped(db: Database, worker_ids: Sequence[str]) -> None:
    """Marks workers that stop as not live."""
    with db.transaction() as connection:
        connection.execute(
            update(workers_table).where(workers_table.c.id.in_(worker_ids)).values(stopped_at=now(), busy=0)
        )


LIVE = workers_table.c.stopped_at.is_(None) & (workers_table.c.seen_at > later(-SEEN_SECONDS))


@dataclass(frozen=True)
class QueueWorkers:
    """Holds the sums over a queue's live workers; `claimed` counts tasks of the last 10 s.

    `newest` is when the last of them registered: their catalogs are the same as long as it and their number are.
    """

    workers: int
    threads: int
    busy: int
    claimed: int
    newest: datetime | None = None

    @property
    def window(self) -> int:
        """Returns how many hints may be outstanding: the claims of the last 10 s, at least twice the threads.

        More hints would only keep the ledger from applying priority, pause and cancel.
        """
        return max(2 * self.threads, self.claimed)


def served(db: Database) -> dict[str, QueueWorkers]:
    """Returns the queues that have a live worker."""
    columns = workers_table.c
    with db.read() as connection:
        rows = connection.execute(
            select(
                columns.queue,
                func.count(),
                func.sum(columns.threads),
                func.sum(columns.busy),
                func.sum(columns.claimed),
                func.max(columns.started_at),
            )
            .where(LIVE)
            .group_by(columns.queue)
        )
        return {queue: QueueWorkers(*numbers) for queue, *numbers in rows}


def workers(db: Database) -> list[WorkerRow]:
    """Returns all workers of the last day, by service, the newest first."""
    columns = [workers_table.c[name] for name in WorkerRow.__dataclass_fields__ if name != "live"]
    with db.read() as connection:
        rows = connection.execute(
            select(*columns, LIVE.label("live"))
            .where(workers_table.c.seen_at > later(-KEPT_SECONDS))
            .order_by(workers_table.c.service, workers_table.c.started_at.desc(), workers_table.c.id)
        )
        return [_row(row._asdict()) for row in rows]


def _row(values: dict[str, Any]) -> WorkerRow:
    reported = values["trouble"] if values["live"] else None
    return WorkerRow(**{**values, "live": bool(values["live"]), "trouble": outages_of(reported)})


def outages_of(reported: list[Any] | None) -> tuple[Outage, ...]:
    """Reads the outages of a worker's row."""
    return tuple(Outage.model_validate(one) for one in reported or ())
