"""Tests the command that announces a project's tasks, on a ledger that no worker has seen."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from bureau.ledger.db.database import Database
from bureau.ledger.dispatch.announced import announced
from bureau.ledger.dispatch.deployed import deployed
from tests.integration.django.conftest import Shop
from tests.support.ledger.ledgers import sqlite_ledger


@pytest.fixture
def ledger(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    db = sqlite_ledger(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/ledger.db")
    yield db
    db.close()


def called(*arguments: str) -> list[str]:
    from django.core.management import call_command

    out = StringIO()
    call_command("bureau_announce", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_the_tasks_of_all_queues_are_announced_and_withdrawn(ledger: Database) -> None:
    said = called()
    assert [line.partition(":")[0] for line in said] == ["default", "slow"]
    found = announced(ledger)
    assert {"default.shop.tasks.count", "slow.shop.tasks.count"} <= set(found.workers_by_task)
    assert set(found.workers_by_task.values()) == {0}
    assert called("--withdraw") == ["default: withdrawn", "slow: withdrawn"]
    assert announced(ledger).catalog.tasks == []


def test_one_queue_is_announced_and_the_others_stay_as_they_were(ledger: Database) -> None:
    called("--queue", "slow")
    assert list(deployed(ledger)) == ["slow"]
    said = called("--queue", "default")
    assert said[0].startswith("default: ")
    assert said[1].startswith("also announced, until withdrawn: slow (")
    assert list(deployed(ledger)) == ["default", "slow"]


def test_an_unknown_queue_and_an_absent_database_are_told(ledger: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.management.base import CommandError

    with pytest.raises(CommandError, match="no queue 'nobody'; it has default, slow"):
        called("--queue", "nobody")
    assert deployed(ledger) == {}
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/none")
    with pytest.raises(CommandError, match="does not answer") as raised:
        called()
    assert "secret" not in str(raised.value)
