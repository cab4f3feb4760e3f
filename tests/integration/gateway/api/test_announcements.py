"""What services announced is read once a second, whoever asks."""

from typing import Any

import pytest

from bureau.contracts.catalog import Catalog, TaskDescription
from bureau.ledger.db.database import LedgerUnavailable
from bureau.submission.announcements import Announcements
from tests.integration.gateway.conftest import SUMA, Door


class Clock:
    """Time that goes by when a test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_ledger_is_asked_at_most_once_a_second(empty_door: Door) -> None:
    clock = Clock()
    announcements = Announcements(empty_door.db, clock)
    assert announcements.known().tasks == {}
    empty_door.announce("shop")
    assert announcements.known().tasks == {}
    clock.now += 1
    assert set(announcements.known().tasks) == {"shop.picture", "shop.suma"}


def test_schemas_are_compiled_again_only_when_they_change(empty_door: Door) -> None:
    clock = Clock()
    announcements = Announcements(empty_door.db, clock)
    empty_door.announce("shop")
    first = announcements.known()
    clock.now += 1
    again = announcements.known()
    assert again.tasks is first.tasks
    empty_door.announce("shop", Catalog(tasks=[SUMA]))
    clock.now += 1
    assert announcements.known().workers_by_task["shop.suma"] == 2


def test_a_schema_that_is_not_admitted_leaves_its_task_out(empty_door: Door) -> None:
    bad = TaskDescription(name="shop.bad", queue="shop", input_schema={"pattern": "(?=x)"}, result_schema={})
    empty_door.announce("shop", Catalog(tasks=[SUMA, bad]))
    assert set(Announcements(empty_door.db).known().tasks) == {"shop.suma"}


def test_an_outage_is_believed_for_a_second(empty_door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    announcements = Announcements(empty_door.db, clock)
    asked = []

    def away(*_: Any) -> Any:
        asked.append(clock.now)
        raise LedgerUnavailable("OperationalError")

    monkeypatch.setattr("bureau.ledger.dispatch.workers.announced", away)
    for _ in range(3):
        with pytest.raises(LedgerUnavailable):
            announcements.known()
    assert asked == [100.0]
    monkeypatch.undo()
    clock.now += 1
    assert announcements.known().tasks == {}
