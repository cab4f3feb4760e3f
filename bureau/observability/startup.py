"""The line with which a process of the stack begins: what it is, and what it works with."""

import re

import structlog

from bureau.settings import PlatformSettings
from bureau.version import version

log = structlog.get_logger(__name__)


def say_started(process: str, settings: PlatformSettings, **more: object) -> None:
    """One record at INFO; of addresses no user, no password and no options."""
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
    """Where a URL leads; of several brokers, separated by `;`, each."""
    return ";".join(_address(one) for one in re.split(r";(?=\w+://)", url))


def _address(url: str) -> str:
    scheme, _, rest = url.partition("://")
    if scheme in ("s3", "file"):  # no user stands in these
        rest = rest.partition("?")[0]
    rest = rest.rpartition("@")[2].partition("?")[0]  # a password may hold anything, so all before the last @ goes
    return f"{scheme.partition('+')[0]}://{rest}"
