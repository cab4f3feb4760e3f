"""Provides a gateway in this process, without a server around it."""

import tempfile

from flask.testing import FlaskClient

from bureau.ledger.db.database import Database
from bureau.services.gateway.app import create_app
from bureau.services.gateway.settings import GatewaySettings
from bureau.storage import Storage
from tests.integration.gateway.conftest import CountingRelay


def listing_client(db: Database) -> FlaskClient:
    storage = Storage.from_url(f"file://{tempfile.mkdtemp()}")
    return create_app(GatewaySettings(), db, storage, CountingRelay()).test_client()
