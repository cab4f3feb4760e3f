"""The reports service's settings."""

import os
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from bureau.settings import Settings, SettingsError, load
from services.reports.sources import SourceMistakes, open_sources
from services.reports.turns import InTurn

_SHIPPED = Path(__file__).parent / "queries"


class ReportsSettings(Settings):
    """Where the reports are; `services.reports.sources` says where their databases are."""

    reports_dir: str = Field(
        default=str(_SHIPPED),
        description="Folders of `.sql` files, several joined as in PATH; the first of two equal names wins.",
    )

    reports_time_zone: str = Field(
        default="UTC", description="Whose days `today` and the like are, in reports that name no `time_zone`."
    )

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
                raise ValueError(f"there is no folder {folder}; create it or name another")
        return value


def load_settings(environment: Mapping[str, str]) -> tuple[ReportsSettings, dict[str, InTurn]]:
    """Settings and sources. Raises `SettingsError` with what is wrong in either."""
    mistakes: list[str] = []
    try:
        sources = open_sources(environment)
    except SourceMistakes as error:
        mistakes += error.mistakes
    try:
        (settings,) = load(ReportsSettings)
    except SettingsError as error:
        mistakes += error.mistakes
    if mistakes:
        raise SettingsError(mistakes)
    return settings, sources
