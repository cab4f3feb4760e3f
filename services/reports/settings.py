"""Defines the settings of the reports service."""

import os
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from bureau.contracts.mail.recipient_domains import DESCRIPTION
from bureau.contracts.reports import Empty
from bureau.services.reports.output.rows import RowSource
from bureau.services.reports.sources.sources import InvalidSources, open_sources
from bureau.settings import Settings, SettingsError, load

_SHIPPED = Path(__file__).parent / "queries"


class ReportsSettings(Settings):
    """Holds the settings of reports; `bureau.services.reports.sources.sources` reads those of their databases."""

    reports_dir: str = Field(
        default=str(_SHIPPED),
        description="The folders of `.sql` files, several joined as in PATH; if two reports have the same name, the "
        "first is used.",
    )

    reports_time_zone: str = Field(
        default="UTC",
        description="The time zone of `today` and similar defaults, in reports that name no `time_zone`.",
    )

    report_attach_bytes: int = Field(
        default=5_000_000, gt=0, le=20_000_000, description="A report smaller than this is attached to its mail."
    )
    report_zip_bytes: int = Field(
        default=15_000_000,
        gt=0,
        le=20_000_000,
        description="A report whose ZIP is smaller than this is attached zipped.",
    )
    report_link_days: int = Field(default=7, ge=1, le=31, description="How long a link to a larger report works.")
    empty_reports: Empty = Field(
        default="send",
        description="What is mailed if a report has no rows: `send` the file, `note` a message without it, `skip` "
        "nothing.",
    )
    recipient_domains: str = Field(default="", description=DESCRIPTION)

    @field_validator("reports_time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("use the name of a time zone, such as Europe/Paris") from None

    @property
    def folders(self) -> list[Path]:
        return [Path(folder) for folder in self.reports_dir.split(os.pathsep) if folder]

    @field_validator("reports_dir")
    @classmethod
    def _folders_exist(cls, value: str) -> str:
        for folder in filter(None, value.split(os.pathsep)):
            if not Path(folder).is_dir():
                raise ValueError(f"the folder {folder} does not exist; create it or name another")
        return value


def load_settings(environment: Mapping[str, str]) -> tuple[ReportsSettings, dict[str, RowSource]]:
    """Returns the settings and the sources. Raises `SettingsError` with the errors of both."""
    errors: list[str] = []
    try:
        sources = open_sources(environment)
    except InvalidSources as error:
        errors += error.errors
    try:
        (settings,) = load(ReportsSettings)
    except SettingsError as error:
        errors += error.errors
    if errors:
        raise SettingsError(errors)
    return settings, sources
