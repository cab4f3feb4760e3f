"""The reports service's composition root."""

import os
from zoneinfo import ZoneInfo

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
    tasks = ReportTasks(catalog, sources, ZoneInfo(settings.reports_time_zone))
    return Service(
        "reports",
        tasks=[
            Task("reports.generate", tasks.generate),
            Task("reports.burst", tasks.burst),
            Task("reports.preview", tasks.preview, max_attempts=1, time_limit_seconds=60),
        ],
        reports=[report.describe() for report in catalog.reports.values()],
    )
