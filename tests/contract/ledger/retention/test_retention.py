"""What is kept long enough goes, and what somebody needs stays."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, update

from bureau.contracts.ids import new_id
from bureau.ledger.access import idempotency
from bureau.ledger.access import rate_limits as rates
from bureau.ledger.access.idempotency import Answer, Reservation, Scope
from bureau.ledger.access.rate_limits import Rate
from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import artifacts, rate_limits
from bureau.ledger.jobs import retry_job
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.outcome import Succeeded
from bureau.ledger.retention import file_expiry, sweep
from bureau.ledger.retention.delete_job import EVENTS
from bureau.ledger.schedules import schedules
from bureau.ledger.schedules.schedules import ScheduleOrigin
from bureau.storage import Storage
from tests.support.ledger.book import failed, task
from tests.support.ledger.office import KEEP, Office


@pytest.fixture
def office(db: Database, tmp_path: Path) -> Office:
    return Office(db, Storage.from_url(f"file://{tmp_path}/storage"))


def test_jobs_are_kept_by_how_they_ended(office: Office) -> None:
    succeeded, lost, cancelled = office.job(), office.job(ending=failed()), office.cancelled()
    running = office.book.submit()
    expected = [(19, [True, True, True]), (2, [True, True, False]), (10, [False, True, False]), (60, [False] * 3)]
    for days, kept in expected:
        office.days_pass(days)
        office.clear_up()
        assert [office.there(job_id) for job_id in (succeeded, lost, cancelled)] == kept
    assert office.there(running)


def test_a_deleted_job_leaves_no_row_and_no_file(office: Office) -> None:
    job_id = office.book.submit(task("a"), task("b", "a"), tags=("monthly",), uses=(office.upload(),))
    office.book.run(job_id, "a")
    office.book.run(job_id, "b", failed())
    office.job()
    office.days_pass(100)
    office.clear_up()
    office.assert_empty()


def test_a_file_tells_when_it_expires_and_goes_then(office: Office) -> None:
    job_id = office.job()
    assert office.file_of(job_id).expires_at is None
    office.decide()
    made = office.file_of(job_id)
    assert made.expires_at == office.book.job(job_id).finished_at + KEEP.files
    office.days_pass(9.9)
    office.clear_up()
    assert office.stored() == [made.key]
    office.days_pass(0.2)
    office.clear_up()
    assert (office.file(made.id), office.stored()) == (None, [])
    assert office.there(job_id)


def test_a_file_expires_with_its_job_where_that_is_kept_shorter(office: Office) -> None:
    office.keep = replace(KEEP, succeeded=timedelta(days=3))
    job_id = office.job()
    office.decide()
    assert office.file_of(job_id).expires_at == office.book.job(job_id).finished_at + timedelta(days=3)


def test_files_of_a_retried_job_are_kept_on_and_told_anew(office: Office) -> None:
    job_id = office.book.submit(task("only"), task("more", "only"))
    made = office.put(f"jobs/{job_id}/x/1", job_id)
    office.book.run(job_id, ending=Succeeded(None, made=[made]))
    office.book.run(job_id, "more", failed())
    office.days_pass(9)
    retry_job.retry(office.db, job_id, "ada")
    assert office.file_of(job_id).expires_at is None
    office.days_pass(9)
    office.clear_up()
    assert office.file(made.id) is not None
    office.book.run(job_id, "more")
    office.decide()
    assert office.file_of(job_id).expires_at == office.book.job(job_id).finished_at + KEEP.files


def test_other_settings_are_told_at_the_next_start(office: Office) -> None:
    job_ids = [office.job() for _ in range(3)]
    office.decide()
    office.keep = replace(KEEP, files=timedelta(days=2))
    office.clear_up()
    for job_id in job_ids:
        assert office.file_of(job_id).expires_at == office.book.job(job_id).finished_at + timedelta(days=2)


def test_every_page_of_files_is_told_of_other_settings(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_expiry, "BATCH", 2)
    job_ids = [office.job() for _ in range(5)]
    office.decide()
    office.keep = replace(KEEP, files=timedelta(days=20))
    office.clear_up()
    for job_id in job_ids:
        assert office.file_of(job_id).expires_at == office.book.job(job_id).finished_at + timedelta(days=20)


def test_an_upload_that_nobody_refers_to_goes_after_a_day(office: Office) -> None:
    upload = office.upload()
    office.days_pass(0.9)
    office.clear_up()
    assert office.file(upload) is not None
    office.days_pass(0.2)
    office.clear_up()
    office.assert_empty()


def test_an_upload_is_kept_while_an_open_job_refers_to_it_and_a_day_longer(office: Office) -> None:
    upload = office.upload()
    job_id = office.book.submit(uses=(upload,))
    for _ in range(3):
        office.days_pass(50)
        office.clear_up()
    assert office.file(upload) is not None
    office.book.run(job_id)
    office.days_pass(0.9)
    office.clear_up()
    assert office.file(upload) is not None
    office.days_pass(1)
    office.clear_up()
    assert office.file(upload) is None
    assert office.there(job_id)


def test_an_upload_of_a_job_that_may_be_retried_is_kept_as_long_as_its_files(office: Office) -> None:
    upload = office.upload()
    office.job(upload, ending=failed())
    office.days_pass(9)
    office.clear_up()
    assert office.file(upload) is not None
    office.days_pass(2)
    office.clear_up()
    assert office.file(upload) is None


def test_a_file_that_an_open_job_or_a_schedule_refers_to_outlives_its_own_job(office: Office) -> None:
    first, second = office.job(), office.job()
    of_first, of_second = office.file_of(first), office.file_of(second)
    follower = office.book.submit(uses=(of_first.id,))
    office.schedule(of_second.id)
    for _ in range(4):
        office.days_pass(20)
        office.clear_up()
    assert (office.there(first), office.there(second)) == (False, False)
    assert office.stored() == sorted([of_first.key, of_second.key])
    assert office.file(of_first.id).job_id is None  # type: ignore[union-attr]
    office.book.run(follower)
    schedules.delete_schedule(office.db, "ada", "daily", ScheduleOrigin.API)
    for _ in range(4):
        office.days_pass(20)
        office.clear_up()
    office.assert_empty()


def test_events_go_before_their_job_and_the_job_stays_readable(office: Office) -> None:
    job_id, young = office.job(), None
    office.days_pass(6)
    young = office.job()
    office.clear_up()
    assert office.book.story(job_id) == []
    assert len(office.book.story(young)) > 1
    assert office.book.job(job_id).state == "succeeded"


def test_many_events_go_in_batches(office: Office) -> None:
    job_id = office.book.submit()
    claimed = office.book.take(job_id)
    office.book.finish(claimed, failed(), [TaskEvent("task.logged", "only", {"line": "x"})] * (2 * EVENTS + 10))
    other = office.job()
    office.days_pass(100)
    assert sweep.forget_jobs(office.db, KEEP) == 2
    assert (office.there(job_id), office.there(other)) == (False, False)


def test_a_job_without_events_is_not_looked_at_again(office: Office) -> None:
    job_ids = [office.job() for _ in range(3)]
    office.days_pass(6)
    last = sweep.forget_old_events(office.db, sweep.ENDED[0], KEEP, None)
    assert last is not None
    assert last[1] == max(job_ids, key=lambda job_id: (office.book.job(job_id).finished_at, job_id))
    assert sweep.forget_old_events(office.db, sweep.ENDED[0], KEEP, last) is None


def test_a_job_retried_meanwhile_is_not_forgotten(office: Office) -> None:
    job_id = office.job(ending=failed())
    office.days_pass(100)
    retry_job.retry(office.db, job_id, "ada")
    office.book.run(job_id, ending=failed())
    office.clear_up()
    assert office.there(job_id)


def test_idempotency_keys_go_after_a_day(office: Office) -> None:
    def held(key: str) -> Reservation | Answer:
        return idempotency.reserve(office.db, Scope("ada", "POST", "/v1/jobs", key), "f")

    held("a")
    office.days_pass(2)
    held("b")
    assert sweep.forget_keys(office.db) == 1
    assert office.rows()["idempotency"] == 1


def test_workers_that_were_not_seen_for_a_day_go(office: Office) -> None:
    office.worker()
    office.days_pass(0.9)
    assert sweep.forget_workers(office.db) == 0
    office.days_pass(0.2)
    assert sweep.forget_workers(office.db) == 1


def test_the_audit_is_kept_as_long_as_was_asked_for(office: Office) -> None:
    office.note("queue.pause")
    office.days_pass(150)
    office.note("queue.resume")
    office.days_pass(49)
    office.clear_up()
    assert office.noted() == ["queue.pause", "queue.resume"]
    office.days_pass(2)
    office.clear_up()
    assert office.noted() == ["queue.resume"]


def test_the_audit_goes_in_batches_the_oldest_first(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "ROWS", 2)
    for act in ("first", "second", "third"):
        office.note(act)
    office.days_pass(201)
    assert sweep.forget_audit(office.db, KEEP) == 2
    assert office.noted() == ["third"]
    assert sweep.forget_audit(office.db, KEEP) == 1


def test_buckets_that_have_been_full_for_a_day_go_and_stay_full(office: Office) -> None:
    rate = Rate(2, seconds=60)
    for _ in range(2):
        rates.take(office.db, "shop", rate)
    rates.take(office.db, "other", rate)
    with office.db.transaction() as connection:
        full_at = rate_limits.c.full_at - sweep.FULL_SECONDS - 61
        connection.execute(update(rate_limits).where(rate_limits.c.key_id == "shop").values(full_at=full_at))
    assert sweep.forget_full_buckets(office.db) == 1
    assert rates.take(office.db, "other", rate).left == 0
    assert rates.take(office.db, "shop", rate).left == 1


def test_uploads_of_before_these_times_were_told_are_decided_too(office: Office) -> None:
    upload = office.upload()
    with office.db.transaction() as connection:
        connection.execute(artifacts.update().values(expires_at=None))
    office.decide()
    with office.db.read() as connection:
        row = connection.execute(select(artifacts).where(artifacts.c.id == upload)).one()
    assert row.expires_at == row.created_at + timedelta(days=1)


def test_a_file_of_nobody_is_not_in_anyones_way(office: Office) -> None:
    assert file_expiry.settle(office.db, file_expiry.Candidates([new_id()], [UUID(int=0)]), KEEP) == 0
