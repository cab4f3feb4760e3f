"""The reports service's composition root."""

import os

import structlog

from bureau.service import Resources, Service
from bureau.task import Task
from services.reports.catalog import load_catalog
from services.reports.settings import load_settings
from services.reports.tasks import ReportTasks

log = structlog.get_logger(__name__)


def reports_service(_: Resources) -> Service:
    """Reads the catalog and the sources; connects to nothing. Raises `SettingsError`."""
    settings, sources = load_settings(os.environ)
    catalog = load_catalog(settings.folders).on(sources)
    for mistake in catalog.mistakes:
        log.warning("report left out", file=str(mistake.file), line=mistake.line, reason=mistake.detail)
    return Service(
        "reports",
        tasks=[Task("reports.generate", ReportTasks(catalog, sources).generate)],
        reports=[report.describe() for report in catalog.reports.values()],
    )
