"""The brokers: memory, and a private RabbitMQ. A test that takes `broker_url` runs on both."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from bureau.ledger.db.database import Database
from bureau.messaging.broker import HintBroker, MemoryBroker, make_broker
from tests.contract.broker.station import Listener, Shop
from tests.support.ledger.ledgers import sqlite_ledger


@pytest.fixture(params=["memory", "rabbitmq"])
def broker_url(request: pytest.FixtureRequest) -> str:
    return "memory://" if request.param == "memory" else str(request.getfixturevalue("rabbitmq_url"))


@pytest.fixture
def queue() -> str:
    """A name nobody else uses: the server may be somebody's."""
    return f"shop{uuid4().hex[:10]}"


@pytest.fixture
def restarting_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dramatiq's consumers come back after 0.1 s instead of three."""
    monkeypatch.setattr("dramatiq.worker.CONSUMER_RESTART_DELAY_SECS", 0.1)


Brokers = Callable[[str], HintBroker | MemoryBroker]


@pytest.fixture
def a_broker() -> Iterator[Brokers]:
    """Makes brokers, and closes the connections of the test's own thread."""
    made: list[HintBroker | MemoryBroker] = []

    def make(url: str) -> HintBroker | MemoryBroker:
        made.append(make_broker(url, []))
        return made[-1]

    yield make
    for broker in made:
        broker.close_thread()


@pytest.fixture
def listener(broker_url: str, a_broker: Brokers, queue: str) -> Iterator[Listener]:
    """A worker with one actor that notes what it was called with."""
    with Listener(a_broker(broker_url), queue) as listening:
        yield listening


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Database]:
    db = sqlite_ledger(tmp_path)
    yield db
    db.close()


@pytest.fixture
def shop(broker_url: str, a_broker: Brokers, queue: str, ledger: Database, tmp_path: Path) -> Iterator[Shop]:
    """A worker process with its relay, as `boot` puts it together."""
    with Shop(a_broker(broker_url), queue, ledger, tmp_path) as process:
        yield process
