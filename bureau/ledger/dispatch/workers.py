"""Registers worker processes. Each keeps a row up to date, with the catalog of its tasks, reports and templates."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from bureau.contracts.catalog import Catalog
from bureau.contracts.outage import Outage
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import age, later, now
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


@dataclass(frozen=True)
class Announced:
    """Holds the merged catalog, in which the worker that started last wins, and who serves each task.

    `workers_by_task` counts live processes, `queues_by_task` names the queues on which a task was announced, and
    `served` holds the pairs of queue and task that a live worker announces.
    """

    catalog: Catalog
    workers_by_task: dict[str, int]
    queues_by_task: dict[str, tuple[str, ...]]
    served: frozenset[tuple[str, str]]


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
    """Holds the sums over a queue's live workers; `claimed` counts tasks of the last 10 s."""

    workers: int
    threads: int
    busy: int
    claimed: int

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


Catalogs = dict[tuple[str, datetime], Catalog]
"""Catalogs by their worker's id and start: what a worker announced stays as it is."""


def announced(db: Database, known: Catalogs | None = None) -> Announced:
    """Returns the merged catalog, in the order of names: for each queue that of its live workers.

    While a queue has no live worker, the catalog of its last workers is valid, for a day: its jobs are accepted and
    wait. The caller keeps `known`: catalogs in it are not read again, and catalogs that were read are put into it.
    """
    known = {} if known is None else known
    columns = workers_table.c
    with db.read() as connection:
        rows = connection.execute(
            select(columns.id, columns.queue, columns.started_at, columns.seen_at, LIVE.label("live"))
            .where(age(columns.seen_at) < KEPT_SECONDS)
            .order_by(columns.started_at)
        ).all()
        if unread := [row.id for row in rows if (row.id, row.started_at) not in known]:
            read = select(columns.id, columns.started_at, columns.catalog).where(columns.id.in_(unread))
            for read_row in connection.execute(read):
                known[read_row.id, read_row.started_at] = Catalog.model_validate(read_row.catalog)
    for gone in known.keys() - {(row.id, row.started_at) for row in rows}:
        del known[gone]
    # Workers that registered anew or were forgotten between the two statements are left out until the next call.
    read_rows = [row for row in rows if (row.id, row.started_at) in known]
    found = [(row, known[row.id, row.started_at]) for row in _valid(read_rows)]
    tasks = {task.name: task for _, catalog in found for task in catalog.tasks}
    reports = {report.name: report for _, catalog in found for report in catalog.reports}
    templates = {template.name: template for _, catalog in found for template in catalog.templates}
    serving = {(task.name, _process(row)) for row, catalog in found if row.live for task in catalog.tasks}
    served_by = Counter(name for name, _ in serving)
    queues: dict[str, set[str]] = {name: set() for name in tasks}
    for row, catalog in found:
        for task in catalog.tasks:
            queues[task.name].add(row.queue)
    return Announced(
        Catalog(
            tasks=[tasks[name] for name in sorted(tasks)],
            reports=[reports[name] for name in sorted(reports)],
            templates=[templates[name] for name in sorted(templates)],
        ),
        {name: served_by[name] for name in tasks},
        {name: tuple(sorted(names)) for name, names in queues.items()},
        frozenset((row.queue, task.name) for row, catalog in found if row.live for task in catalog.tasks),
    )


def _process(row: Row[Any]) -> str:
    """Returns what the rows of one process have in common: it has a row for each queue, and counts once."""
    return str(row.id).removeprefix(f"{row.queue}-")


def _valid(rows: Iterable[Row[Any]]) -> list[Row[Any]]:
    """Returns the workers whose catalogs are valid: those that are live, or of a queue without any, the last ones.

    Workers of a queue that were seen within `SEEN_SECONDS` of each other worked side by side, so their catalogs
    count together. The live ones come last: what they say of a task that others had on another queue holds.
    """
    valid: list[Row[Any]] = []
    by_queue: dict[str, list[Row[Any]]] = {}
    for row in rows:
        by_queue.setdefault(row.queue, []).append(row)
    for workers_of in by_queue.values():
        last = max(row.seen_at for row in workers_of) - timedelta(seconds=SEEN_SECONDS)
        valid += [row for row in workers_of if row.live] or [row for row in workers_of if row.seen_at >= last]
    return sorted(valid, key=lambda row: (bool(row.live), row.started_at))
