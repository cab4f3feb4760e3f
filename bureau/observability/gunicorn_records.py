"""Configures gunicorn's logger, so that its records look like all others from the first line on."""

from typing import Any

from gunicorn.glogging import Logger

from bureau.observability import logs
from bureau.settings import LogSettings, SettingsError, load


class Records(Logger):  # type: ignore[misc]  # it ships no types
    """Is the logger class of gunicorn: `gunicorn --logger-class bureau.observability.gunicorn_records.Records`."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        try:
            (settings,) = load(LogSettings)
        except SettingsError as error:
            error.exit()
        logs.configure(settings)
