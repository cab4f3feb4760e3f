"""Starts the mailer's worker process: `dramatiq bureau.services.mailer.worker`."""

from bureau.process.gc_pause import collector_paused

with collector_paused():
    from bureau.boot import boot
    from bureau.services.mailer.service import mailer_service

broker = boot(mailer_service)
