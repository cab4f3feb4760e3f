"""A job is deleted by request: when it has ended, by its owner, with all that is its."""

from pathlib import Path

import pytest
from sqlalchemy import select

from bureau.ledger.access.audit import Act
from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import audit
from bureau.ledger.files import artifacts
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.outcome import Succeeded
from bureau.ledger.retention.delete_job import EVENTS, Erasing, erase
from bureau.storage import Storage
from tests.support.ledger.book import failed, task
from tests.support.ledger.office import Office
from tests.support.together import together


@pytest.fixture
def office(db: Database, tmp_path: Path) -> Office:
    return Office(db, Storage.from_url(f"file://{tmp_path}/storage"))


def test_a_deleted_job_takes_everything_with_it(office: Office) -> None:
    job_id = office.book.submit(task("a"), task("b", "a"), tags=("monthly",))
    office.book.run(job_id, "a")
    office.book.run(job_id, "b", failed())
    made = office.job()
    assert erase(office.db, job_id, "ada") is Erasing.ERASED
    assert erase(office.db, made, "ada") is Erasing.ERASED
    assert office.rows() == {"artifacts": 1}
    assert len(office.stored()) == 1
    office.clear_up()
    office.assert_empty()


def test_its_file_is_given_out_no_more_at_once(office: Office) -> None:
    job_id = office.job()
    made = office.file_of(job_id)
    erase(office.db, job_id, "ada")
    assert office.file(made.id) is None
    assert artifacts.removed(office.db) == [(made.id, made.key)]


def test_a_job_that_has_not_ended_is_not_deleted(office: Office) -> None:
    waiting, running = office.book.submit(), office.book.submit()
    office.book.take(running)
    for job_id in (waiting, running):
        assert erase(office.db, job_id, "ada") is Erasing.NOT_ENDED
        assert office.there(job_id)


def test_another_owners_job_is_not_there(office: Office) -> None:
    job_id = office.job()
    assert erase(office.db, job_id, "bob") is None
    assert office.there(job_id)
    erase(office.db, job_id, "ada")
    assert erase(office.db, job_id, "ada") is None


def test_its_upload_stays_a_day_and_one_that_others_use_stays_on(office: Office) -> None:
    own, shared = office.upload(), office.upload()
    job_id = office.job(own, shared)
    office.book.submit(uses=(shared,))
    erase(office.db, job_id, "ada")
    office.clear_up()
    assert office.file(own) is not None
    office.days_pass(1.1)
    office.clear_up()
    assert office.file(own) is None
    assert office.file(shared) is not None


def test_a_file_that_another_job_uses_stays(office: Office) -> None:
    job_id = office.job()
    made = office.file_of(job_id)
    office.book.submit(uses=(made.id,))
    erase(office.db, job_id, "ada")
    office.clear_up()
    kept = office.file(made.id)
    assert kept is not None
    assert (kept.job_id, kept.task, kept.key) == (None, None, made.key)
    assert office.stored() == [made.key]


def test_a_job_that_said_much_is_deleted_in_batches(office: Office) -> None:
    job_id = office.book.submit()
    claimed = office.book.take(job_id)
    office.book.finish(claimed, Succeeded(None), [TaskEvent("task.logged", "only", {"line": "x"})] * (EVENTS + 5))
    assert erase(office.db, job_id, "ada") is Erasing.ERASED
    office.assert_empty()


def test_the_audit_tells_who_deleted_it(office: Office) -> None:
    job_id = office.job()
    erase(office.db, job_id, "ada", Act("job.delete", "ada", "key 1", str(job_id)))
    with office.db.read() as connection:
        row = connection.execute(select(audit.c.act, audit.c.by, audit.c.target, audit.c.count)).one()
    assert tuple(row) == ("job.delete", "key 1", str(job_id), 1)


def test_concurrent_deletions_delete_a_job_once(office: Office) -> None:
    for _ in range(5):
        job_id = office.job(office.upload())
        found = together(4, lambda _, job=job_id: erase(office.db, job, "ada"))  # type: ignore[misc]
        assert sorted(found, key=str) == [None, None, None, Erasing.ERASED]
