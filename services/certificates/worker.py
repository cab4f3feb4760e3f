"""Starts the certificates worker process: `dramatiq bureau.services.certificates.worker`."""

from bureau.process.gc_pause import collector_paused

with collector_paused():
    from bureau.boot import boot
    from bureau.services.certificates.service import certificates_service

broker = boot(certificates_service)
