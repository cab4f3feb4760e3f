"""Merges the catalogs that are valid: those of deployments, of live workers, and of the last ones of a queue."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from bureau.contracts.catalog import Catalog
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import age
from bureau.ledger.db.tables import deployed_catalogs
from bureau.ledger.db.tables import workers as workers_table
from bureau.ledger.dispatch.workers import KEPT_SECONDS, LIVE, SEEN_SECONDS

Catalogs = dict[tuple[str, datetime], Catalog]
"""Catalogs by their worker's id, or `deployed:` and the queue, and their time: what was announced stays as it is."""


@dataclass(frozen=True)
class Announced:
    """Holds the merged catalog, in which the newest announcement of a task wins, and who serves each task.

    `workers_by_task` counts live processes, `queues_by_task` names the queues on which a task was announced, and
    `served` holds the pairs of queue and task that a live worker announces.
    """

    catalog: Catalog
    workers_by_task: dict[str, int]
    queues_by_task: dict[str, tuple[str, ...]]
    served: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class _Announcer:
    """Says who announced a catalog: a worker, or a deployment, which has no process and never expires."""

    id: str
    queue: str
    started_at: datetime
    seen_at: datetime
    live: bool
    deployed: bool = False

    @property
    def process(self) -> str:
        """Returns what the rows of one process have in common: it has a row for each queue, and counts once."""
        return self.id.removeprefix(f"{self.queue}-")


def announced(db: Database, known: Catalogs | None = None) -> Announced:
    """Returns the merged catalog, in the order of names: for each queue that of its deployment and its live workers.

    While a queue has no live worker, the catalog of its last workers is valid, for a day: its jobs are accepted and
    wait. The caller keeps `known`: catalogs in it are not read again, and catalogs that were read are put into it.
    """
    known = {} if known is None else known
    with db.read() as connection:
        announcers = [*_deployments(connection), *_workers_of_today(connection)]
        unread = [one for one in announcers if (one.id, one.started_at) not in known]
        known.update(_read_catalogs(connection, unread))
    for gone in known.keys() - {(one.id, one.started_at) for one in announcers}:
        del known[gone]
    # Those that announced anew or were forgotten between the statements are left out until the next call.
    read = [one for one in announcers if (one.id, one.started_at) in known]
    return _merged([(one, known[one.id, one.started_at]) for one in _valid(read)])


def _deployments(connection: Connection) -> list[_Announcer]:
    columns = deployed_catalogs.c
    rows = connection.execute(select(columns.queue, columns.announced_at))
    return [_Announcer(f"deployed:{queue}", queue, at, at, live=False, deployed=True) for queue, at in rows]


def _workers_of_today(connection: Connection) -> list[_Announcer]:
    columns = workers_table.c
    rows = connection.execute(
        select(columns.id, columns.queue, columns.started_at, columns.seen_at, LIVE.label("live"))
        .where(age(columns.seen_at) < KEPT_SECONDS)
        .order_by(columns.started_at)
    )
    return [_Announcer(row.id, row.queue, row.started_at, row.seen_at, bool(row.live)) for row in rows]


def _read_catalogs(
    connection: Connection, unread: Sequence[_Announcer]
) -> Iterator[tuple[tuple[str, datetime], Catalog]]:
    by_worker = [one.id for one in unread if not one.deployed]
    by_queue = [one.queue for one in unread if one.deployed]
    if by_worker:
        columns = workers_table.c
        read = select(columns.id, columns.started_at, columns.catalog).where(columns.id.in_(by_worker))
        for row in connection.execute(read):
            yield (row.id, row.started_at), Catalog.model_validate(row.catalog)
    if by_queue:
        said = deployed_catalogs.c
        read = select(said.queue, said.announced_at, said.catalog).where(said.queue.in_(by_queue))
        for row in connection.execute(read):
            yield (f"deployed:{row.queue}", row.announced_at), Catalog.model_validate(row.catalog)


def _merged(found: Sequence[tuple[_Announcer, Catalog]]) -> Announced:
    tasks = {task.name: task for _, catalog in found for task in catalog.tasks}
    reports = {report.name: report for _, catalog in found for report in catalog.reports}
    templates = {template.name: template for _, catalog in found for template in catalog.templates}
    serving = {(task.name, one.process) for one, catalog in found if one.live for task in catalog.tasks}
    served_by = Counter(name for name, _ in serving)
    queues: dict[str, set[str]] = {name: set() for name in tasks}
    for one, catalog in found:
        for task in catalog.tasks:
            queues[task.name].add(one.queue)
    return Announced(
        Catalog(
            tasks=[tasks[name] for name in sorted(tasks)],
            reports=[reports[name] for name in sorted(reports)],
            templates=[templates[name] for name in sorted(templates)],
        ),
        {name: served_by[name] for name in tasks},
        {name: tuple(sorted(names)) for name, names in queues.items()},
        frozenset((one.queue, task.name) for one, catalog in found if one.live for task in catalog.tasks),
    )


def _valid(announcers: Iterable[_Announcer]) -> list[_Announcer]:
    """Returns those whose catalogs are valid: deployments, live workers, and of a queue without any, the last ones.

    Workers of a queue that were seen within `SEEN_SECONDS` of each other worked side by side, so their catalogs
    count together; but not those that started before the queue's deployment, which says what is there since. The
    live workers and the deployments come last, by their start: what the newest says of a task holds, also if others
    had the task on another queue.
    """
    valid: list[_Announcer] = []
    by_queue: dict[str, list[_Announcer]] = {}
    since: dict[str, datetime] = {}
    for one in announcers:
        if one.deployed:
            valid.append(one)
            since[one.queue] = one.started_at
        else:
            by_queue.setdefault(one.queue, []).append(one)
    for queue, workers_of in by_queue.items():
        last = max(one.seen_at for one in workers_of) - timedelta(seconds=SEEN_SECONDS)
        newer = [one for one in workers_of if queue not in since or one.started_at > since[queue]]
        valid += [one for one in workers_of if one.live] or [one for one in newer if one.seen_at >= last]
    return sorted(valid, key=lambda one: (one.live or one.deployed, one.started_at))
