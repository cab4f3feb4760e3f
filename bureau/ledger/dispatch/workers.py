"""Worker processes: each keeps its row alive, and in it the catalog of what it can do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from bureau.contracts.catalog import Catalog
from bureau.contracts.outage import Outage
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import age, later, now
from bureau.ledger.db.tables import workers as workers_table

SEEN_SECONDS = 30.0  # a worker that was not seen for so long is not live
PACE_SECONDS = 10.0  # the time over which a worker counts its claims
TROUBLES = 10  # of one worker, that its row holds
KEPT_SECONDS = 24 * 3600.0  # the dead stay a day, and what they announced stays valid


@dataclass(frozen=True)
class NewWorker:
    """A worker process and its queue, at start."""

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
    """A worker as the API shows it. `trouble` is that of a live one: what one that is gone said last may be over."""

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


@dataclass(frozen=True)
class Announced:
    """What the services announced, merged: the worker that started last has the say; live workers by task."""

    catalog: Catalog
    workers_by_task: dict[str, int]


def register(db: Database, worker: NewWorker) -> None:
    with db.transaction() as connection:
        connection.execute(delete(workers_table).where(workers_table.c.id == worker.id))
        connection.execute(delete(workers_table).where(workers_table.c.seen_at < later(-KEPT_SECONDS)))
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
    """Keeps a worker's row alive; False when the row is gone and the worker should register again."""
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
    """The workers said goodbye: they are not live from now on."""
    with db.transaction() as connection:
        connection.execute(
            update(workers_table).where(workers_table.c.id.in_(worker_ids)).values(stopped_at=now(), busy=0)
        )


LIVE = workers_table.c.stopped_at.is_(None) & (workers_table.c.seen_at > later(-SEEN_SECONDS))


@dataclass(frozen=True)
class Served:
    """A queue's live workers, added up; `claimed` tasks in the last 10 s."""

    workers: int
    threads: int
    busy: int
    claimed: int

    @property
    def window(self) -> int:
        """How many hints may be outstanding: what was claimed in the last 10 s, at least twice the threads. More would
        only take priority, pause and cancel out of the ledger's hands."""
        return max(2 * self.threads, self.claimed)


def served(db: Database) -> dict[str, Served]:
    """The queues with a live worker."""
    columns = workers_table.c
    with db.read() as connection:
        rows = connection.execute(
            select(
                columns.queue,
                func.count(),
                func.sum(columns.threads),
                func.sum(columns.busy),
                func.sum(columns.claimed),
            )
            .where(LIVE)
            .group_by(columns.queue)
        )
        return {queue: Served(*numbers) for queue, *numbers in rows}


def workers(db: Database) -> list[WorkerRow]:
    """All workers of the last day, by service, the newest first."""
    columns = [workers_table.c[name] for name in WorkerRow.__dataclass_fields__ if name != "live"]
    with db.read() as connection:
        rows = connection.execute(
            select(*columns, LIVE.label("live"))
            .where(workers_table.c.seen_at > later(-KEPT_SECONDS))
            .order_by(workers_table.c.service, workers_table.c.started_at.desc(), workers_table.c.id)
        )
        return [_row(row._asdict()) for row in rows]


def _row(values: dict[str, Any]) -> WorkerRow:
    said = values["trouble"] if values["live"] else None
    return WorkerRow(**{**values, "live": bool(values["live"]), "trouble": troubles_of(said)})


def troubles_of(said: list[Any] | None) -> tuple[Outage, ...]:
    """As a row holds them."""
    return tuple(Outage.model_validate(one) for one in said or ())


def announced(db: Database) -> Announced:
    """The merged catalog of the last day's workers, in the order of names."""
    with db.read() as connection:
        rows = connection.execute(
            select(workers_table.c.catalog, LIVE.label("live"))
            .where(age(workers_table.c.seen_at) < KEPT_SECONDS)
            .order_by(workers_table.c.started_at)
        ).all()
    catalogs = [(Catalog.model_validate(row.catalog), bool(row.live)) for row in rows]
    tasks = {task.name: task for catalog, _ in catalogs for task in catalog.tasks}
    reports = {report.name: report for catalog, _ in catalogs for report in catalog.reports}
    templates = {template.name: template for catalog, _ in catalogs for template in catalog.templates}
    return Announced(
        Catalog(
            tasks=[tasks[name] for name in sorted(tasks)],
            reports=[reports[name] for name in sorted(reports)],
            templates=[templates[name] for name in sorted(templates)],
        ),
        {
            name: sum(live and any(t.name == name for t in catalog.tasks) for catalog, live in catalogs)
            for name in tasks
        },
    )
