"""Assembles the reports service; it is its composition root."""

import os
from zoneinfo import ZoneInfo

import structlog

from bureau.ledger.reads.failures import first_failure
from bureau.service import Resources, Service
from bureau.services.reports.definition.catalog import load_catalog
from bureau.services.reports.delivery import DeliveryPolicy, ReportDeliverer
from bureau.services.reports.delivery_method import DeliveryMethodPolicy
from bureau.services.reports.settings import ReportsSettings, load_settings
from bureau.services.reports.sources.concurrency import SourceConcurrency
from bureau.services.reports.tasks import ReportTasks
from bureau.task import Task

log = structlog.get_logger(__name__)


def reports_service(resources: Resources) -> Service:
    """Builds the service from the catalog and the sources, without connecting. Raises `SettingsError`."""
    settings, sources = load_settings(os.environ)
    catalog = load_catalog(settings.folders).on(sources)
    for error in catalog.errors:
        log.warning(
            "an invalid report is left out of the catalog", file=str(error.file), line=error.line, reason=error.detail
        )
    tasks = ReportTasks(catalog, sources, SourceConcurrency(resources.database), ZoneInfo(settings.reports_time_zone))
    delivery = ReportDeliverer(_policy(settings), lambda job: first_failure(resources.database, job))
    return Service(
        "reports",
        tasks=[
            Task("reports.generate", tasks.generate, interruptible=False),
            Task("reports.burst", tasks.burst, interruptible=False),
            Task("reports.deliver", delivery.deliver, interruptible=False),
            Task("reports.tell", delivery.tell, interruptible=False),
            Task("reports.preview", tasks.preview, max_attempts=1, time_limit_seconds=60, interruptible=False),
        ],
        reports=[report.describe() for report in catalog.reports.values()],
    )


def _policy(settings: ReportsSettings) -> DeliveryPolicy:
    return DeliveryPolicy(
        DeliveryMethodPolicy(settings.report_attach_bytes, settings.report_zip_bytes),
        settings.report_link_days * 86_400,
        settings.empty_reports,
        settings.recipient_domains,
    )
