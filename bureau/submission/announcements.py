"""Caches the catalog of the services: reads the ledger at most once a second, compiles schemas when they change."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock

import structlog

from bureau.contracts.catalog import Catalog, ReportDescription, TaskDescription, TemplateDescription
from bureau.contracts.schemas import Schema, SchemaError
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.dispatch import announced as catalogs
from bureau.ledger.dispatch.announced import Announced, Catalogs

log = structlog.get_logger(__name__)

FRESH_SECONDS = 1.0


@dataclass(frozen=True)
class KnownTask:
    """Holds a task that can be submitted, with its compiled input schema."""

    description: TaskDescription
    schema: Schema


@dataclass(frozen=True)
class KnownReport:
    """Holds a report that can be requested, with its compiled parameter schema."""

    description: ReportDescription
    schema: Schema


@dataclass(frozen=True)
class CatalogSnapshot:
    """Holds the catalog by name. Tasks and reports with a schema that is not admitted are left out."""

    catalog: Catalog
    tasks: Mapping[str, KnownTask]
    reports: Mapping[str, KnownReport]
    templates: Mapping[str, TemplateDescription]
    workers_by_task: Mapping[str, int]
    queues_by_task: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    served: frozenset[tuple[str, str]] = frozenset()  # queue and task, as live workers announce them


class Announcements:
    """Gives the latest catalog. Connects on first use."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._lock = Lock()
        self._known: CatalogSnapshot | None = None
        self._catalogs: Catalogs = {}
        self._failure: str | None = None
        self._read_at: float | None = None

    def known(self) -> CatalogSnapshot:
        """Returns the catalog, at most a second old. Raises `LedgerUnavailable`.

        An outage of the ledger is cached for a second too, so that threads that waited for the lock do not each wait
        for the ledger again.
        """
        with self._lock:
            if self._read_at is None or self._clock() - self._read_at >= FRESH_SECONDS:
                self._read()
            if self._known is None or self._failure is not None:
                raise LedgerUnavailable(self._failure)
            return self._known

    def _read(self) -> None:
        self._failure = None
        try:
            self._known = _known(catalogs.announced(self._database, self._catalogs), self._known)
        except LedgerUnavailable as failure:
            self._failure = str(failure)
        self._read_at = self._clock()


def _known(announced: Announced, before: CatalogSnapshot | None) -> CatalogSnapshot:
    if before is not None and before.catalog == announced.catalog:
        return replace(
            before,
            workers_by_task=announced.workers_by_task,
            queues_by_task=announced.queues_by_task,
            served=announced.served,
        )
    catalog = announced.catalog
    tasks = ((task, _compiled(f"task {task.name}", task.input_schema)) for task in catalog.tasks)
    reports = ((report, _compiled(f"report {report.name}", report.params_schema)) for report in catalog.reports)
    return CatalogSnapshot(
        catalog,
        {task.name: KnownTask(task, schema) for task, schema in tasks if schema},
        {report.name: KnownReport(report, schema) for report, schema in reports if schema},
        {template.name: template for template in catalog.templates},
        announced.workers_by_task,
        announced.queues_by_task,
        announced.served,
    )


def _compiled(what: str, schema: dict[str, object]) -> Schema | None:
    try:
        return Schema(schema)
    except SchemaError as error:  # workers check before they announce, but an older or a foreign one may not
        log.warning("an announced schema is not admitted and is ignored", what=what, reason=str(error))
        return None
