"""Runs the tasks that a module declared with `@task`: `dramatiq bureau.worker shop.tasks`."""

from bureau.process.gc_pause import collector_paused

with collector_paused():
    from bureau.boot import boot
    from bureau.lifespans import LIFESPANS
    from bureau.service import Resources, Service, refuse_shipped_names
    from bureau.settings import SettingsError
    from bureau.task import DECLARED


def declared_service(_resources: Resources) -> Service:
    """Returns the service of the declared tasks. Raises `SettingsError` if there is none, or more than one."""
    services = sorted({task.service for task in DECLARED.values()})
    if not services:
        raise SettingsError(
            ["no task was declared: name the module with your @task functions: dramatiq bureau.worker shop.tasks"]
        )
    if len(services) > 1:
        raise SettingsError(
            [f"tasks of several services were declared ({', '.join(services)}): run a worker process for each"]
        )
    refuse_shipped_names(services)
    return Service(services[0], list(DECLARED.values()), lifespans=LIFESPANS)


broker = boot(declared_service)
