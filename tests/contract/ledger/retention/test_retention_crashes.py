"""Killed between any two steps, retention leaves nothing behind for ever: what comes after finds it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection

from bureau.contracts.errors import TransientError
from bureau.ledger.db.database import Database
from bureau.ledger.retention.delete_job import erase
from bureau.services.scheduler.retention import RemovedFiles
from bureau.storage import Storage
from tests.support.ledger.book import failed
from tests.support.ledger.ledgers import quick
from tests.support.ledger.office import Office


class Killed(BaseException):
    """The process is gone at this point."""


class Steps:
    """Counts transactions and deletions of files; the process dies after the last one it may take."""

    def __init__(self, allowed: int) -> None:
        self.left = allowed

    def take(self) -> None:
        if self.left == 0:
            raise Killed
        self.left -= 1


class MortalDatabase(Database):
    """Dies before a transaction begins."""

    steps: Steps

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        self.steps.take()
        with super().transaction() as connection:
            yield connection


class MortalStorage(Storage):
    """Dies before it deletes, or with half of it deleted."""

    steps: Steps

    def delete(self, keys: Iterable[str]) -> None:
        given = list(keys)
        if given:
            self.steps.take()
            super().delete(given[: len(given) // 2])
            self.steps.take()
            super().delete(given)


@contextmanager
def dying_after(office: Office, steps: int) -> Iterator[Steps]:
    """The office's process, which may take so many steps."""
    db, storage = office.db, office.storage
    mortal_db = quick(MortalDatabase(db.engine.url.render_as_string(hide_password=False)))
    mortal_storage = MortalStorage(storage._backend)
    mortal_db.steps = mortal_storage.steps = Steps(steps)
    office.db, office.storage = mortal_db, mortal_storage
    try:
        yield mortal_db.steps
    finally:
        mortal_db.close()
        office.db, office.storage = db, storage


def fill(office: Office) -> None:
    """Something of everything, all of it old."""
    office.job(office.upload())
    office.job(office.upload(), ending=failed())
    office.cancelled()
    shared = office.upload()
    office.job(shared)
    office.job(shared)
    office.upload()
    office.worker()
    office.days_pass(6)
    office.job()
    office.days_pass(100)


@pytest.fixture
def office(db: Database, tmp_path: Path) -> Office:
    return Office(db, Storage.from_url(f"file://{tmp_path}/storage"))


def steps_of_a_whole_pass(office: Office) -> int:
    fill(office)
    with dying_after(office, 10_000) as steps:
        office.clear_up()
        return 10_000 - steps.left


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])
def test_killed_after_any_step_the_next_pass_leaves_nothing(office: Office, every: int) -> None:
    count = steps_of_a_whole_pass(office)
    office.assert_empty()
    assert count > 20
    for allowed in range(0, count, every):
        fill(office)
        with dying_after(office, allowed), pytest.raises(Killed):
            office.clear_up()
        office.clear_up()
        office.assert_empty()


def test_a_deletion_by_request_that_was_killed_leaves_nothing(office: Office) -> None:
    for allowed in range(3):
        job_id = office.job(office.upload())
        with dying_after(office, allowed):
            try:
                erase(office.db, job_id, "ada")
                office.clear_up()
            except Killed:
                pass
        erase(office.db, job_id, "ada")
        office.days_pass(2)
        office.clear_up()
        office.assert_empty()


def test_a_storage_that_is_away_holds_nothing_up_and_loses_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_keys: Iterable[str]) -> None:
        raise TransientError("storage_unavailable", "The file storage cannot be reached at the moment.")

    fill(office)
    with monkeypatch.context() as patched:
        patched.setattr(office.storage, "delete", away)
        with pytest.raises(ConnectionError):
            office.clear_up()
        assert office.rows().keys() == {"artifacts"}
        with pytest.raises(ConnectionError):
            RemovedFiles(office.db, office.storage).step()
    office.clear_up()
    office.assert_empty()
