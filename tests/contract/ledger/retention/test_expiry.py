"""Expiry: a job that had not started by its `expires_at` is cancelled; one that started goes on."""

from datetime import UTC, datetime

from bureau.ledger.db.sql_time import later
from bureau.ledger.jobs.cancel import Cancelling, cancel, expire_jobs
from tests.support.ledger.book import Book, again, task
from tests.support.together import together

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
FAR_AHEAD = datetime(2199, 1, 1, tzinfo=UTC)


def test_a_job_that_never_started_expires(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"), expires_at=LONG_AGO)
    assert expire_jobs(book.db) == 1
    assert book.states(job_id) == {"a": "cancelled", "b": "cancelled"}
    assert (book.job(job_id).state, book.job(job_id).error["code"]) == ("cancelled", "expired")
    assert book.job(job_id).cancel_requested_at is None
    assert expire_jobs(book.db) == 0


def test_a_job_with_time_left_or_without_an_end_stays(book: Book) -> None:
    ids = [book.submit(expires_at=FAR_AHEAD), book.submit()]
    assert expire_jobs(book.db) == 0
    assert [book.job(job_id).state for job_id in ids] == ["open", "open"]


def test_a_job_that_started_goes_on_even_between_attempts(book: Book) -> None:
    running, between = book.submit(task("a"), task("b", "a")), book.submit()
    book.take(running, "a")
    book.run(between, ending=again(3600))
    for job_id in (running, between):
        book.set_job(job_id, expires_at=later(-1))
    assert expire_jobs(book.db) == 0
    assert [book.job(job_id).state for job_id in (running, between)] == ["open", "open"]


def test_a_job_that_was_to_start_later_expires_before(book: Book) -> None:
    job_id = book.submit(run_at=FAR_AHEAD, expires_at=LONG_AGO)
    assert expire_jobs(book.db) == 1
    assert book.job(job_id).state == "cancelled"


def test_an_expired_job_ended_otherwise_than_by_cancel(book: Book) -> None:
    job_id = book.submit(expires_at=LONG_AGO)
    expire_jobs(book.db)
    assert cancel(book.db, job_id, "ada") is Cancelling.ENDED


def test_expiry_goes_on_where_its_limit_ended(book: Book) -> None:
    for _ in range(5):
        book.submit(expires_at=LONG_AGO)
    assert [expire_jobs(book.db, limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_among_many_schedulers_a_job_expires_once(book: Book) -> None:
    ids = [book.submit(expires_at=LONG_AGO) for _ in range(6)]
    assert sum(together(3, lambda _: expire_jobs(book.db))) == 6
    for job_id in ids:
        assert book.story(job_id) == ["task.cancelled only", "job.finished"]
