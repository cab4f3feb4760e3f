"""Runs services in one worker process: `bureau worker shop.tasks mailer`, or `dramatiq bureau.worker shop.tasks`.

The services are those of the tasks that the named modules declared with `@task`, on their own queues or on those that
QUEUES names, and Bureau's own that SERVICES names.
"""

from bureau.process.gc_pause import collector_paused

with collector_paused():
    from bureau.boot import boot
    from bureau.lifespans import LIFESPANS
    from bureau.service import Resources, Service, services_of, shipped_service
    from bureau.settings import ServedSettings, SettingsError, load
    from bureau.task import DECLARED


def served(resources: Resources) -> list[Service]:
    """Returns the services of this process. Raises `SettingsError` if there are none."""
    (settings,) = load(ServedSettings)
    services = [shipped_service(name, resources) for name in settings.names]
    services += services_of(DECLARED.values(), LIFESPANS, settings.queue_names)
    if not services:
        raise SettingsError(
            ["no task was declared: name the module with your @task functions: bureau worker shop.tasks"]
        )
    return services


broker = boot(served)
