"""A service as the runner sees it: a name, its tasks and what it announces."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bureau.contracts.catalog import Catalog, ReportDescription, TemplateDescription
from bureau.contracts.outage import Outage
from bureau.ledger.db.database import Database
from bureau.settings import SettingsError
from bureau.storage import Storage
from bureau.task import Task


@dataclass(frozen=True)
class Resources:
    """What a process lends to the services in it. Connections inside are made on first use, after any fork."""

    database: Database
    storage: Storage


def _no_trouble() -> Sequence[Outage]:
    """A service that needs nothing from outside, or cannot say."""
    return ()


def _nothing() -> None:
    """A service without anything to close."""


@dataclass(frozen=True)
class Service:
    """`name` is the queue and the prefix of every task in it.

    `trouble` says what of the outside it cannot use for now; it is asked every ten seconds and answers at once.
    """

    name: str
    tasks: Sequence[Task[Any, Any]]
    reports: Sequence[ReportDescription] = ()
    templates: Sequence[TemplateDescription] = ()
    trouble: Callable[[], Sequence[Outage]] = _no_trouble
    close: Callable[[], None] = _nothing

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
    """Raises `SettingsError` where a service of a user's has the name of one of Bureau's.

    Both would share a queue, and each worker would take hints for tasks that it does not have.
    """
    if taken := sorted(SHIPPED.intersection(names)):
        listed = ", ".join(sorted(SHIPPED))
        raise SettingsError(
            [f"{taken[0]}: this is the name of a service of Bureau's ({listed}); name your own otherwise"]
        )
