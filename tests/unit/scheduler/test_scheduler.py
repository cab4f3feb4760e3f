"""Tests that the scheduler counts lost attempts and lost hints."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from bureau.ledger.db.sql_time import later
from bureau.ledger.dispatch import hints
from bureau.messaging.broker import MemoryBroker
from bureau.messaging.relay import Relay
from bureau.services.scheduler import scheduler as module
from bureau.services.scheduler.scheduler import Scheduler
from bureau.storage import Storage
from tests.support.ledger.book import Book
from tests.support.ledger.office import KEEP
from tests.unit.scheduler.conftest import Place


@pytest.fixture
def scheduler(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scheduler:
    """At work for longer than a lease already; its loops do not turn by themselves."""
    monkeypatch.setattr(module, "LEASE_SECONDS", 0.0)
    broker = MemoryBroker([])
    return Scheduler(place.db, Storage.from_url(f"file://{tmp_path}/storage"), broker, Relay(place.db, broker), KEEP)


def counted(name: str) -> float:
    return REGISTRY.get_sample_value(name) or 0.0


def test_an_expired_lease_is_counted_as_a_lost_attempt(scheduler: Scheduler, place: Place) -> None:
    before = counted("bureau_ledger_lost_attempts_total")
    book = Book(place.db)
    for _ in range(2):
        book.end_lease(book.take(book.submit()).task_id)
    book.take(book.submit())
    for _ in range(2):
        scheduler._expire_leases()
    assert counted("bureau_ledger_lost_attempts_total") == before + 2


def test_a_hint_that_nobody_claimed_is_counted_as_a_lost_hint(scheduler: Scheduler, place: Place) -> None:
    before = counted("bureau_ledger_lost_hints_total")
    place.announce()
    book = Book(place.db)
    book.submit()
    (hinted,) = hints.reserve_due(place.db, "shop", 1).hints
    set_hinted(book, hinted.task_id, seconds_ago=10)
    scheduler._find_lost_hints()
    assert counted("bureau_ledger_lost_hints_total") == before
    set_hinted(book, hinted.task_id, seconds_ago=61)
    for _ in range(2):
        scheduler._find_lost_hints()
    assert counted("bureau_ledger_lost_hints_total") == before + 1


def set_hinted(book: Book, task_id: UUID, *, seconds_ago: float) -> None:
    values: dict[str, Any] = {"hinted_at": later(-seconds_ago)}
    book.set(task_id, **values)
