"""`dramatiq bureau.services.certificates.worker`: the certificates worker process."""

from bureau.gc_pause import collector_paused

with collector_paused():
    from bureau.boot import boot
    from bureau.services.certificates.service import certificates_service

broker = boot(certificates_service)
