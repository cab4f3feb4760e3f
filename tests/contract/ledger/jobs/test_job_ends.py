"""Whoever ends a job, those who count ends hear of it, once and after the commit."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bureau.ledger.access import audit
from bureau.ledger.access.audit import Act
from bureau.ledger.db.database import LedgerUnavailable
from bureau.ledger.db.job_end import JobEnded
from bureau.ledger.db.sql_time import later
from bureau.ledger.dispatch import queues
from bureau.ledger.jobs import cancel, leases
from bureau.ledger.jobs.finish import FinishResult
from bureau.ledger.jobs.retry_policy import CRASH_BUDGET
from tests.support.ledger.book import Book, again, failed, no_jitter, task


@pytest.fixture
def heard(book: Book, monkeypatch: pytest.MonkeyPatch) -> list[JobEnded]:
    ends: list[JobEnded] = []
    monkeypatch.setattr(book.db, "_job_ended", ends.append)
    return ends


def by_its_last_task(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"))
    book.run(job_id, "a")
    book.run(job_id, "b", again())
    book.make_due(book.task(job_id, "b").id)
    book.run(job_id, "b", failed())


def by_a_cancel(book: Book) -> None:
    job_id = book.submit()
    for _ in range(2):
        cancel.cancel(book.db, job_id, "ada")


def by_the_end_of_a_task_that_was_asked_to_stop(book: Book) -> None:
    job_id = book.submit()
    claimed = book.take(job_id)
    cancel.cancel(book.db, job_id, "ada")
    book.finish(claimed, again())


def by_time(book: Book) -> None:
    job_id = book.submit()
    book.set_job(job_id, expires_at=later(-1))
    for _ in range(2):
        cancel.expire_jobs(book.db)


def by_a_purge(book: Book) -> None:
    book.submit()
    queues.purge(book.db, "shop", queues.purgeable(book.db, "shop"))


def by_a_crash_too_many(book: Book) -> None:
    job_id = book.submit()
    for _ in range(CRASH_BUDGET):
        book.make_due(book.task(job_id).id)
        book.lose(job_id)


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (by_its_last_task, "failed"),
        (by_a_cancel, "cancelled"),
        (by_the_end_of_a_task_that_was_asked_to_stop, "cancelled"),
        (by_time, "cancelled"),
        (by_a_purge, "cancelled"),
        (by_a_crash_too_many, "failed"),
    ],
)
def test_each_end_is_heard_once(book: Book, heard: list[JobEnded], end: Callable[[Book], None], state: str) -> None:
    end(book)
    assert [(job.kind, job.state) for job in heard] == [("job", state)]
    assert 0 <= heard[0].seconds < 60


def test_a_job_for_later_counts_from_the_time_it_was_for(book: Book, heard: list[JobEnded]) -> None:
    job_id = book.submit()
    created = book.job(job_id).created_at
    book.set_job(job_id, created_at=created - timedelta(hours=2), run_at=created - timedelta(hours=1))
    book.run(job_id)
    assert heard[0].seconds == pytest.approx(3600, abs=60)


def test_a_job_end_that_is_rolled_back_is_not_announced(
    book: Book, heard: list[JobEnded], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise LedgerUnavailable("gone")

    job_id = book.submit()
    monkeypatch.setattr(audit, "note", away)
    with pytest.raises(LedgerUnavailable):
        cancel.cancel(book.db, job_id, "ada", Act("job.cancel", "ada", "local"))
    assert heard == []


def test_a_finish_that_was_committed_before_is_not_heard_again(book: Book, heard: list[JobEnded]) -> None:
    claimed = book.take(book.submit())
    assert [book.finish(claimed).fate for _ in range(2)] == [FinishResult.DONE, FinishResult.ALREADY]
    assert len(heard) == 1


def test_a_lease_that_ends_without_the_job_is_not_an_end(book: Book, heard: list[JobEnded]) -> None:
    book.lose(book.submit())
    leases.expire(book.db, no_jitter)
    assert heard == []


def test_another_connection_of_the_same_ledger_tells_the_same(book: Book, heard: list[JobEnded]) -> None:
    db = book.db.with_timeout(5)
    job_id = book.submit()
    cancel.cancel(db, job_id, "ada")
    if db is not book.db:
        db.close()
    assert [job.state for job in heard] == ["cancelled"]
