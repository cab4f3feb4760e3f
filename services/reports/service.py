"""The reports service's composition root."""

import os
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.exc import DBAPIError

from bureau.contracts.errors import PermanentError
from bureau.ledger.access.shared_secrets import kept_secret
from bureau.ledger.db.asking import asking_ledger
from bureau.ledger.reads.failures import first_failure
from bureau.service import Resources, Service
from bureau.services.reports.definition.catalog import load_catalog
from bureau.services.reports.delivery import DeliveryPolicy, ReportDeliverer
from bureau.services.reports.delivery_method import DeliveryMethodPolicy
from bureau.services.reports.settings import ReportsSettings, load_settings
from bureau.services.reports.sources.concurrency import SourceConcurrency
from bureau.services.reports.tasks import ReportTasks
from bureau.signing.signed_links import Links
from bureau.task import Task

log = structlog.get_logger(__name__)


def reports_service(resources: Resources) -> Service:
    """Reads the catalog and the sources; connects to nothing. Raises `SettingsError`."""
    settings, sources = load_settings(os.environ)
    catalog = load_catalog(settings.folders).on(sources)
    for mistake in catalog.errors:
        log.warning("report left out", file=str(mistake.file), line=mistake.line, reason=mistake.detail)
    tasks = ReportTasks(catalog, sources, SourceConcurrency(resources.database), ZoneInfo(settings.reports_time_zone))
    delivery = ReportDeliverer(
        _policy(settings), _links(settings, resources), lambda job: first_failure(resources.database, job)
    )
    return Service(
        "reports",
        tasks=[
            Task("reports.generate", tasks.generate),
            Task("reports.burst", tasks.burst),
            Task("reports.deliver", delivery.deliver),
            Task("reports.tell", delivery.tell),
            Task("reports.preview", tasks.preview, max_attempts=1, time_limit_seconds=60),
        ],
        reports=[report.describe() for report in catalog.reports.values()],
    )


def _policy(settings: ReportsSettings) -> DeliveryPolicy:
    return DeliveryPolicy(
        DeliveryMethodPolicy(settings.report_attach_bytes, settings.report_zip_bytes),
        settings.public_url.rstrip("/"),
        settings.report_link_days * 86_400,
        settings.empty_reports,
        settings.recipient_domains,
    )


def _links(settings: ReportsSettings, resources: Resources) -> Links:
    """A worker whose database role may not see the ledger's secrets needs LINK_SECRET, the gateway's own."""
    given = settings.link_secret.get_secret_value()

    def secret() -> str:
        try:
            with asking_ledger():
                return given or kept_secret(resources.database, "links")
        except DBAPIError as error:  # the role may not read it, or not make it
            raise PermanentError(
                "link_secret_missing",
                "The report is too large for a mail, and its link cannot be signed: give the reports service the "
                "gateway's LINK_SECRET.",
            ) from error

    return Links(secret)
