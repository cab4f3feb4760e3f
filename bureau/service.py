"""Defines `Service`, the runner's view of a service: its name, its tasks and what it announces."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bureau.contracts.catalog import Catalog, ReportDescription, TemplateDescription
from bureau.contracts.outage import Outage
from bureau.ledger.db.database import Database
from bureau.lifespans import Lifespan
from bureau.settings import SettingsError
from bureau.storage import Storage
from bureau.task import Task


@dataclass(frozen=True)
class Resources:
    """Holds what a process shares with its services. They connect on first use, so after any fork."""

    database: Database
    storage: Storage


def _no_trouble() -> Sequence[Outage]:
    """Reports no outage, for a service that needs nothing from outside or cannot detect outages."""
    return ()


def _do_nothing() -> None:
    """Does nothing, for a service that has nothing to close."""


@dataclass(frozen=True)
class Service:
    """Describes a service. `name` is its queue and the prefix of all its tasks.

    `trouble` returns the outages of what it needs from outside. It is called every ten seconds and must not block.
    `lifespans` begin before the first task and end after the last one, once a process.
    """

    name: str
    tasks: Sequence[Task[Any, Any]]
    reports: Sequence[ReportDescription] = ()
    templates: Sequence[TemplateDescription] = ()
    trouble: Callable[[], Sequence[Outage]] = _no_trouble
    close: Callable[[], None] = _do_nothing
    lifespans: Sequence[Lifespan[Any]] = ()

    @property
    def catalog(self) -> Catalog:
        return Catalog(
            tasks=[task.description for task in self.tasks],
            reports=list(self.reports),
            templates=list(self.templates),
        )


ServiceFactory = Callable[[Resources], Service]

SHIPPED = frozenset({"certificates", "reports", "mailer"})


def refuse_shipped_names(names: Iterable[str]) -> None:
    """Raises `SettingsError` if a user's service has the name of one of Bureau's.

    Both would share a queue, and each worker would take hints for tasks that it does not have.
    """
    if taken := sorted(SHIPPED.intersection(names)):
        listed = ", ".join(sorted(SHIPPED))
        raise SettingsError(
            [f"{taken[0]}: this is the name of a service of Bureau's ({listed}); name your own otherwise"]
        )
