"""Retry by a person: what did not succeed runs again, what did is kept; and acts on many jobs at once."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from bureau.contracts.ids import new_id
from bureau.contracts.jobs.states import When
from bureau.ledger.jobs import cancel
from bureau.ledger.jobs.many import bulk_actions
from bureau.ledger.jobs.many.bulk_actions import BulkAct, BulkCount
from bureau.ledger.jobs.outcome import Cancelled, Succeeded
from bureau.ledger.jobs.retry_job import Retrying, retry
from bureau.ledger.reads.job_queries import JobFilter
from tests.support.ledger.book import Book, again, failed, optional, task


def finish_all(book: Book, job_id: UUID) -> None:
    """Workers go on until nothing is ready."""
    while ready := [row for row in book.tasks(job_id) if row.state == "ready"]:
        for row in ready:
            book.make_due(row.id)
            book.run(job_id, row.name)


def test_a_failed_job_runs_again_from_where_it_failed(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"), task("c", "b"))
    book.run(job_id, "a", Succeeded(7))
    book.run(job_id, "b", failed())
    assert retry(book.db, job_id, "ada") is Retrying.RETRIED
    assert book.states(job_id) == {"a": "succeeded", "b": "ready", "c": "waiting"}
    assert (book.job(job_id).state, book.job(job_id).error, book.job(job_id).finished_at) == ("open", None, None)
    finish_all(book, job_id)
    assert book.job(job_id).state == "succeeded"
    assert book.task(job_id, "a").result == 7
    assert book.task(job_id, "b").claim_no == 2


def test_a_retried_task_has_all_its_budgets_again(book: Book) -> None:
    job_id = book.submit()
    book.lose(job_id)
    book.run(job_id, ending=again())
    book.run(job_id, ending=failed())
    retry(book.db, job_id, "ada")
    row = book.task(job_id)
    assert (row.failures, row.crashes, row.claim_no, row.error) == (0, 0, 3, None)
    assert book.outcomes(job_id) == ["crashed", "retry", "failed"]


def test_a_cancelled_job_runs_again(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"))
    claimed = book.take(job_id, "a")
    cancel.cancel(book.db, job_id, "ada")
    assert retry(book.db, job_id, "ada") is Retrying.NOT_ENDED
    book.finish(claimed, Cancelled())
    assert retry(book.db, job_id, "ada") is Retrying.RETRIED
    assert book.states(job_id) == {"a": "ready", "b": "waiting"}
    assert book.job(job_id).cancel_requested_at is None
    finish_all(book, job_id)
    assert book.job(job_id).state == "succeeded"
    assert cancel.cancel(book.db, job_id, "ada") is cancel.Cancelling.ENDED


def test_an_expired_job_runs_again(book: Book) -> None:
    job_id = book.submit(expires_at=datetime(2001, 1, 1, tzinfo=UTC))
    cancel.expire_jobs(book.db)
    assert retry(book.db, job_id, "ada") is Retrying.RETRIED
    assert cancel.expire_jobs(book.db) == 0
    finish_all(book, job_id)
    assert book.job(job_id).state == "succeeded"


def test_a_retry_gives_skipped_tasks_another_chance(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"), task("alarm", "a", when=When.FAILED), task("end", "b alarm"))
    book.run(job_id, "a", failed())
    book.run(job_id, "alarm")
    assert book.states(job_id) == {"a": "failed", "b": "skipped", "alarm": "succeeded", "end": "skipped"}
    retry(book.db, job_id, "ada")
    assert book.states(job_id) == {"a": "ready", "b": "waiting", "alarm": "succeeded", "end": "waiting"}
    finish_all(book, job_id)
    assert book.states(job_id) == {"a": "succeeded", "b": "succeeded", "alarm": "succeeded", "end": "succeeded"}


def test_a_retry_leaves_tasks_skipped_that_still_cannot_run(book: Book) -> None:
    job_id = book.submit(task("a"), task("alarm", "a", when=When.FAILED), task("more", "alarm"), task("b", "a"))
    book.run(job_id, "a")
    book.run(job_id, "b", failed())
    retry(book.db, job_id, "ada")
    assert book.states(job_id) == {"a": "succeeded", "alarm": "skipped", "more": "skipped", "b": "ready"}
    finish_all(book, job_id)
    assert book.job(job_id).state == "succeeded"


def test_a_cancelled_task_that_can_no_longer_run_does_not_hold_the_job(book: Book) -> None:
    """Its upstream succeeded after the cancel: nothing is left to run."""
    job_id = book.submit(task("a"), task("alarm", "a", when=When.FAILED), task("more", "alarm"))
    claimed = book.take(job_id, "a")
    cancel.cancel(book.db, job_id, "ada")
    book.finish(claimed)
    assert book.states(job_id) == {"a": "succeeded", "alarm": "cancelled", "more": "cancelled"}
    assert retry(book.db, job_id, "ada") is Retrying.RETRIED
    assert book.states(job_id) == {"a": "succeeded", "alarm": "skipped", "more": "skipped"}
    assert book.job(job_id).state == "succeeded"


def test_a_cancelled_task_beside_one_that_runs_again_is_skipped(book: Book) -> None:
    job_id = book.submit(task("a"), task("alarm", "a", when=When.FAILED), task("b", "a"))
    claimed = book.take(job_id, "a")
    cancel.cancel(book.db, job_id, "ada")
    book.finish(claimed)
    retry(book.db, job_id, "ada")
    assert book.states(job_id) == {"a": "succeeded", "alarm": "skipped", "b": "ready"}
    finish_all(book, job_id)
    assert book.job(job_id).state == "succeeded"


def test_an_optional_task_that_failed_runs_again_too(book: Book) -> None:
    job_id = book.submit(task("a"), optional("b"))
    book.run(job_id, "b", failed())
    book.run(job_id, "a", failed())
    retry(book.db, job_id, "ada")
    assert book.states(job_id) == {"a": "ready", "b": "ready"}


def test_a_join_waits_again_for_those_that_run_again_only(book: Book) -> None:
    job_id = book.submit(task("a"), task("b"), task("c"), task("join", "a b c", when=When.ENDED))
    book.run(job_id, "a")
    book.run(job_id, "b", failed())
    book.run(job_id, "c", failed())
    book.run(job_id, "join", failed())
    retry(book.db, job_id, "ada")
    assert book.task(job_id, "join").upstream_open == 2
    book.run(job_id, "b")
    assert book.states(job_id)["join"] == "waiting"
    book.run(job_id, "c")
    assert book.states(job_id)["join"] == "ready"


def test_a_delay_is_kept(book: Book) -> None:
    job_id = book.submit()
    book.run(job_id, ending=failed())
    retry(book.db, job_id, "ada", delay_seconds=60)
    assert book.claim(job_id) is None


def test_a_retry_leaves_succeeded_running_and_foreign_jobs_alone(book: Book) -> None:
    done, open_job, theirs = book.submit(), book.submit(), book.submit(owner="bob")
    book.run(done)
    book.run(theirs, ending=failed())
    assert retry(book.db, done, "ada") is Retrying.SUCCEEDED
    assert retry(book.db, open_job, "ada") is Retrying.NOT_ENDED
    assert retry(book.db, theirs, "ada") is None
    assert retry(book.db, new_id(), "ada") is None


def test_many_failed_jobs_are_counted_and_retried(book: Book) -> None:
    ids = [book.submit(kind="report") for _ in range(5)]
    for code, job_id in zip("aabbb", ids, strict=True):
        book.run(job_id, ending=failed(code))
    book.submit(kind="report")
    book.run(book.submit(kind="report", owner="bob"), ending=failed())
    wanted = JobFilter(kind="report")
    assert bulk_actions.count(book.db, "ada", BulkAct.RETRY, wanted) == BulkCount(5, {"b": 3, "a": 2})
    assert bulk_actions.apply(book.db, "ada", BulkAct.RETRY, wanted, at_most=5, per_second=0.1) == 5
    assert {book.job(job_id).state for job_id in ids} == {"open"}
    assert [book.claim(job_id) is not None for job_id in ids] == [True, False, False, False, False]
    assert bulk_actions.apply(book.db, "ada", BulkAct.RETRY, wanted, at_most=5) == 0


def test_many_open_jobs_are_cancelled_past_one_page(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_actions, "PAGE", 3)
    ids = [book.submit(tags=("x",)) for _ in range(7)]
    other = book.submit()
    assert bulk_actions.count(book.db, "ada", BulkAct.CANCEL, JobFilter(tag="x")) == BulkCount(7, {})
    assert bulk_actions.apply(book.db, "ada", BulkAct.CANCEL, JobFilter(tag="x"), at_most=7) == 7
    assert {book.job(job_id).state for job_id in ids} == {"cancelled"}
    assert book.job(other).state == "open"


def test_no_more_jobs_are_changed_than_were_counted(book: Book) -> None:
    """Jobs that match meanwhile are left: nobody has seen them."""
    ids = [book.submit() for _ in range(3)]
    counted = bulk_actions.count(book.db, "ada", BulkAct.CANCEL, JobFilter())
    meanwhile = book.submit()
    assert bulk_actions.apply(book.db, "ada", BulkAct.CANCEL, JobFilter(), at_most=counted.count) == 3
    assert {book.job(job_id).state for job_id in ids} == {"cancelled"}
    assert book.job(meanwhile).state == "open"


def test_a_job_that_is_being_cancelled_is_not_counted_again(book: Book) -> None:
    running = book.submit()
    book.take(running)
    assert bulk_actions.apply(book.db, "ada", BulkAct.CANCEL, JobFilter(), at_most=9) == 1
    assert book.job(running).state == "open"
    assert bulk_actions.count(book.db, "ada", BulkAct.CANCEL, JobFilter()) == BulkCount(0, {})
