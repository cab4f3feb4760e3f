"""Runs the gateway as a process of its own. Its connections are made at first use, after gunicorn has forked."""

from threading import Event, Lock

import structlog
from flask import Flask

from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.migrate import migrate
from bureau.messaging.broker import make_broker
from bureau.messaging.hint_room import FRESH_SECONDS
from bureau.messaging.relay import Relay
from bureau.metrics import outcomes
from bureau.runtime.storage_check import mark
from bureau.services.gateway.app import create_app
from bureau.services.gateway.settings import GatewaySettings
from bureau.settings import PlatformSettings
from bureau.storage import Storage

log = structlog.get_logger(__name__)


class GatewayProcess:
    """Holds the application in `app`, and the relay that publishes the accepted jobs' messages."""

    def __init__(self, platform: PlatformSettings, settings: GatewaySettings) -> None:
        self._database = Database(platform.database_url.get_secret_value(), job_ended=outcomes.job_ended)
        self._storage = storage = Storage.from_url(platform.storage_url.get_secret_value())
        broker = make_broker(platform.broker_url.get_secret_value(), [])
        self._relay = Relay(self._database, broker, spacing_seconds=FRESH_SECONDS)
        self._preparing = Lock()
        self._prepared = False
        self._stopping = Event()
        self.app: Flask = create_app(
            settings, self._database, storage, self._relay, prepare=self.prepare, stopping=self._stopping
        )

    def start(self) -> None:
        """Starts the relay and prepares the ledger, as soon as the process may connect.

        If the ledger is unavailable, the first request that needs it tries again.
        """
        self._relay.start()
        try:
            self.prepare()
        except LedgerUnavailable as error:
            log.warning("the ledger does not answer yet", database=repr(self._database), error=str(error))

    def prepare(self) -> None:
        """Brings the ledger's schema up to date and marks the storage, once. Raises `LedgerUnavailable`."""
        if self._prepared:
            return
        with self._preparing:
            if not self._prepared:
                migrate(self._database)
                mark(self._database, self._storage)
                self._prepared = True

    def release_waits(self) -> None:
        """Answers the requests that wait with `Prefer: wait` now. It is called at the beginning of a stop."""
        self._stopping.set()

    def stop(self) -> None:
        """Stops the relay and closes the database, after the last request."""
        self._relay.stop()
        self._database.close()
