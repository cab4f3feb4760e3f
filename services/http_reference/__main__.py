"""Writes docs/http-api.md from the routes of the gateway; `--check` compares."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bureau.ledger.db.database import Database
from bureau.ledger.dispatch.hints import Hint
from bureau.messaging.broker import BrokerKind
from bureau.services.gateway.app import operations
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.settings import GatewaySettings
from bureau.services.http_reference.page import page
from bureau.storage import Storage
from bureau.submission.announcements import Announcements

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/http-api.md"


class _NoRelay:
    """Publishes nothing: the routes are described, not served."""

    broker_kind: BrokerKind = "memory"
    healthy = True
    last_error: str | None = None

    def wake(self) -> None:
        """Does nothing."""

    def publish(self, stamped: Iterable[tuple[str, Hint]]) -> None:
        """Does nothing."""

    def defer(self, action: Callable[[], None]) -> None:
        """Does nothing."""


def reference() -> str:
    """Returns the whole page as Markdown. It connects to nothing and does not depend on the environment."""
    settings: Any = GatewaySettings.model_construct()
    database = Database("sqlite://")
    gateway = Gateway(settings, database, Storage.from_url("file://unused"), _NoRelay(), Announcements(database))
    return page([operation for operation in operations(gateway) if operation.api])


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("usage: python -m bureau.services.http_reference [--check]", file=sys.stderr)
        return 2
    if not arguments:
        PAGE.write_text(reference())
    elif not PAGE.exists() or PAGE.read_text() != reference():
        print(f"{PAGE.relative_to(ROOT)} differs from the routes: run `make docs`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
