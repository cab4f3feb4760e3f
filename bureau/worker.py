"""Runs services in one worker process: `bureau worker shop.tasks mailer`, or `dramatiq bureau.worker shop.tasks`.

The services are those of the tasks that the named modules declared with `@task`, on their own queues or on those that
QUEUES names, and Bureau's own that SERVICES names.
"""

from bureau.process.gc_pause import collector_paused

with collector_paused():
    from bureau.boot import boot
    from bureau.service import named_services

broker = boot(named_services)
