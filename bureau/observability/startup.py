"""Logs the first record of a process: what it is, and which ledger, broker and storage it uses."""

import re

import structlog

from bureau.settings import PlatformSettings
from bureau.version import version

log = structlog.get_logger(__name__)


def log_started(process: str, settings: PlatformSettings, **more: object) -> None:
    """Logs one record at INFO, with addresses that contain no user, password or options."""
    log.info(
        "started",
        process=process,
        version=version(),
        ledger=address(settings.database_url.get_secret_value()),
        broker=address(settings.broker_url.get_secret_value()),
        storage=address(settings.storage_url.get_secret_value()),
        **more,
    )


def address(url: str) -> str:
    """Returns a URL without credentials and options; several brokers, separated by `;`, are all kept."""
    return ";".join(_address(one) for one in re.split(r";(?=\w+://)", url))


def _address(url: str) -> str:
    scheme, _, rest = url.partition("://")
    if scheme in ("s3", "file"):  # these contain no user
        rest = rest.partition("?")[0]
    rest = rest.rpartition("@")[2].partition("?")[0]  # a password may contain anything: drop all before the last @
    return f"{scheme.partition('+')[0]}://{rest}"
