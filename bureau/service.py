"""Defines `Service`, the runner's view of a service: its name, its tasks and what it announces."""

import importlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bureau.contracts.catalog import Catalog, ReportDescription, TemplateDescription
from bureau.contracts.outage import Outage
from bureau.ledger.db.database import Database
from bureau.lifespans import LIFESPANS, Lifespan
from bureau.settings import ServedSettings, SettingsError, load
from bureau.storage import Storage
from bureau.task import DECLARED, Task


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
    """Describes a service: the tasks of one queue. `name` is the queue, and as a rule the prefix of all its tasks.

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
ServicesFactory = Callable[[Resources], Service | Sequence[Service]]
"""Builds the service of a worker process, or several. Raises `SettingsError`."""

SHIPPED = {  # by name: the library imports no service until a process is to run it
    "certificates": "bureau.services.certificates.service:certificates_service",
    "mailer": "bureau.services.mailer.service:mailer_service",
    "reports": "bureau.services.reports.service:reports_service",
}


def services_of(
    tasks: Iterable[Task[Any, Any]], lifespans: Sequence[Lifespan[Any]] = (), queues: Collection[str] = ()
) -> list[Service]:
    """Returns the services of a user's tasks, one for each queue, by name.

    Each task is served on each of `queues`, and without them on its own queue. Raises `SettingsError` for a name of
    Bureau's own.
    """
    own: dict[str, list[Task[Any, Any]]] = defaultdict(list)
    tasks = list(tasks)
    refuse_shipped_names([*queues, *(name for task in tasks for name in (task.service, task.queue))])
    for task in tasks:
        for queue in queues or [task.queue]:
            own[queue].append(task)
    return [Service(name, tasks, lifespans=lifespans) for name, tasks in sorted(own.items())]


def named_services(resources: Resources) -> list[Service]:
    """Returns the services of the declared tasks, and those of Bureau's that SERVICES names.

    Raises `SettingsError` if there are none.
    """
    (settings,) = load(ServedSettings)
    services = [shipped_service(name, resources) for name in settings.names]
    services += services_of(DECLARED.values(), LIFESPANS, settings.queue_names)
    if not services:
        raise SettingsError(
            ["no task was declared: name the module with your @task functions: bureau worker shop.tasks"]
        )
    return services


def shipped_service(name: str, resources: Resources) -> Service:
    """Builds one of Bureau's own services. Raises `SettingsError` for another name, and for its missing libraries."""
    if name not in SHIPPED:
        raise SettingsError([f"{name}: Bureau has no service of this name; it has {', '.join(sorted(SHIPPED))}"])
    module, _, function = SHIPPED[name].partition(":")
    try:
        factory: ServiceFactory = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        raise SettingsError(
            [f"{name}: {error.name} is missing; install the service: pip install 'bureau-jobs[{name}]'"]
        ) from error
    return factory(resources)


def made_by(factory: ServicesFactory, resources: Resources) -> list[Service]:
    """Returns what a factory makes. Raises `SettingsError` as it does, and for a name that is taken."""
    made = factory(resources)
    services = [made] if isinstance(made, Service) else list(made)
    if factory is not named_services and not factory.__module__.startswith("bureau.services."):
        refuse_shipped_names(service.name for service in services)
    if twice := [name for name, times in Counter(service.name for service in services).items() if times > 1]:
        raise SettingsError([f"{twice[0]}: two services have this name"])
    return services


def refuse_shipped_names(names: Iterable[str]) -> None:
    """Raises `SettingsError` if a user's service has the name of one of Bureau's.

    Both would share a queue, and each worker would take hints for tasks that it does not have.
    """
    if taken := sorted(SHIPPED.keys() & set(names)):
        listed = ", ".join(sorted(SHIPPED))
        raise SettingsError(
            [f"{taken[0]}: this is the name of a service of Bureau's ({listed}); name your own otherwise"]
        )
