"""What the relay says of the broker."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dramatiq.errors import ConnectionClosed

from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.messaging.broker import MemoryBroker
from bureau.messaging.relay import Relay
from tests.support.ledgers import sqlite_ledger
from tests.support.waiting import until


class Broker(MemoryBroker):
    """One that can be away."""

    away = False

    def ensure_open(self) -> None:
        if self.away:
            raise ConnectionClosed(ConnectionError("refused"))


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = sqlite_ledger(tmp_path)
    yield database
    database.close()


def test_a_ledger_that_is_away_is_no_fault_of_the_broker_s(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise LedgerUnavailable("gone")

    broker = Broker([])
    relay = Relay(db, broker, look_seconds=0.01)
    relay.start()
    try:
        assert relay.healthy
        with monkeypatch.context() as patched:
            patched.setattr(db, "read", away)
            until(lambda: relay.last_error is not None, 20)
            assert relay.healthy
            broker.away = True
            until(lambda: not relay.healthy, 20)
            broker.away = False
            until(lambda: relay.healthy, 20)
            assert relay.last_error is not None
        until(lambda: relay.last_error is None, 20)
        assert relay.healthy
    finally:
        relay.stop()
    assert not relay.healthy
