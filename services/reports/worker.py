"""`dramatiq services.reports.worker`: the reports worker process."""

from bureau.boot import boot
from services.reports.service import reports_service

broker = boot(reports_service)
