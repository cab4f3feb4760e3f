"""Starts a worker process of the reports service: `dramatiq bureau.services.reports.worker`."""

from bureau.process.gc_pause import collector_paused

with collector_paused():
    from bureau.boot import boot
    from bureau.services.reports.service import reports_service

broker = boot(reports_service)
