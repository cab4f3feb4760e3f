"""What the relay says of the broker."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dramatiq.errors import ConnectionClosed

from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.tables import tasks
from bureau.ledger.dispatch import workers
from bureau.ledger.dispatch.hints import Hint
from bureau.ledger.submissions.batch import submit_batch
from bureau.ledger.submissions.submission import Accepted, Submission
from bureau.messaging.broker import MemoryBroker
from bureau.messaging.relay import Relay
from tests.contract.ledger.dispatch.test_workers import a_worker, catalog
from tests.support.ledger.book import Book, task
from tests.support.ledger.ledgers import sqlite_ledger
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


def stamped(book: Book) -> tuple[str, Hint]:
    """A task that was inserted with the stamp of its hint."""
    (outcome,) = submit_batch(book.db, [Submission(book.new_job())], lambda _queue: True)
    assert isinstance(outcome, Accepted)
    (task,) = outcome.stamped
    return task.queue, Hint(task.id, task.run, outcome.at, 0.0)


def waiting(broker: Broker) -> int:
    return broker.depth("shop") or 0


def test_only_tasks_that_a_live_worker_has_are_published(db: Database) -> None:
    """A worker that comes with another task is noticed, and so is one whose catalog could not be read yet."""
    book = Book(db)
    broker = Broker([])
    broker.declare_queue("shop")
    for _ in range(9):
        book.submit(task(run="shop.gone"))
    book.submit(task(run="shop.work"))
    workers.register(db, a_worker("one", threads=1))
    relay = Relay(db, broker, look_seconds=0.05)
    relay.start()
    try:
        until(lambda: waiting(broker) == 1, 20, lambda: f"one hint: {waiting(broker)}")
        workers.register(db, a_worker("two", offers=catalog("shop.gone")))
        until(lambda: waiting(broker) == 10, 20, lambda: f"all hints: {waiting(broker)}")
    finally:
        relay.stop()


def test_handed_over_hints_are_published_without_a_query(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker([])
    broker.declare_queue("shop")
    relay = Relay(db, broker)
    relay.start()
    try:
        until(lambda: relay._looked_at > 0, 20, "its first look")
        handed = [stamped(Book(db)) for _ in range(3)]
        monkeypatch.setattr(db, "read", None)
        monkeypatch.setattr(db, "transaction", None)
        relay.publish(handed)
        until(lambda: waiting(broker) == 3, 20)
        assert relay.last_error is None
    finally:
        monkeypatch.undo()
        relay.stop()


def test_a_stamp_is_taken_back_where_the_broker_is_away(db: Database) -> None:
    book = Book(db)
    broker = Broker([])
    broker.away = True
    relay = Relay(db, broker)
    relay.start()
    try:
        queue, due = stamped(book)
        relay.publish([(queue, due)])
        until(lambda: [row.hints for row in all_tasks(book)] == [0], 20, "the stamp is taken back")
        assert [row.hinted_at for row in all_tasks(book)] == [None]
        assert not relay.healthy
    finally:
        relay.stop()


def test_hints_that_were_handed_over_last_are_published_at_the_stop(db: Database) -> None:
    broker = Broker([])
    broker.declare_queue("shop")
    relay = Relay(db, broker)
    relay._loop._stopping.set()  # as if the stop came before its next step
    relay.publish([stamped(Book(db))])
    relay.start()
    relay.stop()
    assert waiting(broker) == 1


def test_wakes_that_come_fast_are_one_look_when_looks_are_spaced(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []
    relay = Relay(db, Broker([]), spacing_seconds=3600)
    monkeypatch.setattr(relay, "_publish_due", lambda: looks.append(0.0))
    relay.start()
    try:
        until(lambda: looks, 20)
        for _ in range(20):
            relay.wake()
        queue, due = stamped(Book(db))
        relay.publish([(queue, due)])
        until(lambda: not relay._handed, 20, "it has turned since")
        assert len(looks) == 1
    finally:
        relay.stop()


def all_tasks(book: Book) -> list[Any]:
    with book.db.read() as connection:
        return list(connection.execute(tasks.select()).all())
