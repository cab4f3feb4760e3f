"""What is stamped with its insert: as much as a window has room for, and never ahead of what waits without a hint."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bureau.contracts.catalog import Catalog
from bureau.ledger.db.database import LedgerUnavailable
from bureau.ledger.dispatch import hints, queues, workers
from bureau.ledger.dispatch.workers import NewWorker
from bureau.messaging.hint_room import AGAIN_SECONDS, AGEING_SECONDS, FRESH_SECONDS, LIVE_SECONDS, HintRoom
from tests.support.ledger.book import Book
from tests.support.ledger.ledgers import sqlite_ledger


class Clock:
    """Goes on when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    db = sqlite_ledger(tmp_path)
    yield Book(db)
    db.close()


def worker(book: Book, threads: int = 4) -> None:
    """Its window holds twice its threads."""
    new = NewWorker("w", "shop", "shop", "1", "here", 1, threads, Catalog())
    workers.register(book.db, new)


def taken(room: HintRoom, times: int = 20) -> int:
    room.look(["shop"])
    return sum(room.take("shop") for _ in range(times))


def test_a_process_takes_half_of_what_is_free_and_looks_again(book: Book) -> None:
    worker(book)
    clock = Clock()
    room = HintRoom(book.db, lambda: True, clock)
    assert taken(room) == 4
    assert taken(room) == 0
    clock.now += AGAIN_SECONDS
    assert taken(room) == 4  # nothing of it was inserted
    assert room.view("shop").ahead == 4


def test_a_window_that_ages_is_read_before_anybody_waits_for_it(book: Book) -> None:
    worker(book)
    clock = Clock()
    room = HintRoom(book.db, lambda: True, clock)
    room.look(["shop"])
    assert room.take("shop")
    assert room.ageing(["shop"]) == []
    clock.now += AGEING_SECONDS
    assert room.ageing(["shop"]) == ["shop"]
    assert room.ageing(["shop"]) == [], "one reads it, not every thread"
    room.refresh(["shop"])
    assert room.view("shop").left == 4
    clock.now += AGEING_SECONDS
    assert room.ageing(["shop"]) == ["shop"]


def test_places_that_are_taken_while_a_window_is_read_stay_taken(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    worker(book)
    room = HintRoom(book.db, lambda: True)
    room.look(["shop"])
    read = hints.window_use

    def busy(*asked: Any) -> Any:
        assert room.take("shop")
        return read(*asked)

    monkeypatch.setattr(hints, "window_use", busy)
    room.refresh(["shop"])
    assert (room.view("shop").left, room.view("shop").ahead) == (3, 1)


def test_a_window_that_cannot_be_read_ages_on(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    worker(book)
    clock = Clock()
    room = HintRoom(book.db, lambda: True, clock)
    room.look(["shop"])
    clock.now += AGEING_SECONDS
    assert room.ageing(["shop"]) == ["shop"]

    def away(*_asked: Any) -> Any:
        raise LedgerUnavailable

    monkeypatch.setattr(hints, "window_use", away)
    room.refresh(["shop"])
    assert room.ageing(["shop"]) == ["shop"]
    clock.now += FRESH_SECONDS
    with pytest.raises(LedgerUnavailable):
        room.look(["shop"])


def test_a_queue_nobody_ever_looked_at_has_no_room(book: Book) -> None:
    worker(book)
    assert not HintRoom(book.db, lambda: True).take("shop")


def test_a_queue_without_a_live_worker_has_no_room_until_there_is_one(book: Book) -> None:
    clock = Clock()
    room = HintRoom(book.db, lambda: True, clock)
    assert taken(room) == 0
    assert room.view("shop").served is None
    worker(book)
    clock.now += LIVE_SECONDS
    assert taken(room) == 4


def test_a_paused_queue_has_no_room(book: Book) -> None:
    worker(book)
    queues.pause(book.db, "shop")
    room = HintRoom(book.db, lambda: True)
    assert taken(room) == 0
    assert room.view("shop").paused


def test_a_waiting_task_without_a_hint_is_not_overtaken(book: Book) -> None:
    worker(book)
    book.submit()
    room = HintRoom(book.db, lambda: True)
    assert taken(room) == 0
    assert room.view("shop").ahead is None


def test_a_full_window_has_no_room(book: Book) -> None:
    worker(book)
    for _ in range(8):
        job_id = book.submit()
        book.set(book.task(job_id).id, hinted_at=book.job(job_id).created_at, hints=1)
    room = HintRoom(book.db, lambda: True)
    assert taken(room) == 0
    assert room.view("shop").ahead is None


def test_no_hint_is_stamped_while_hints_do_not_reach_the_broker(book: Book) -> None:
    worker(book)
    publishes = [False]
    clock = Clock()
    room = HintRoom(book.db, lambda: publishes[0], clock)
    assert taken(room) == 0
    publishes[0] = True
    clock.now += FRESH_SECONDS
    assert taken(room) == 4
