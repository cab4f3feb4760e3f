"""Trying again: the budgets are separate, and time is the database's."""

from datetime import UTC, datetime, timedelta

from bureau.ledger.db.sql_time import later
from bureau.ledger.jobs import leases
from bureau.ledger.jobs.outcome import Released
from tests.support.ledger.book import Book, again, no_jitter


def test_a_retry_is_due_after_its_delay(book: Book) -> None:
    job_id = book.submit()
    book.run(job_id, ending=again(90.5))
    ahead = book.task(job_id).due_at - datetime.now(UTC)
    assert timedelta(seconds=89) < ahead < timedelta(seconds=91)
    assert book.claim(job_id) is None
    book.make_due(book.task(job_id).id)
    assert book.take(job_id).failures == 1


def test_each_failed_attempt_is_counted(book: Book) -> None:
    job_id = book.submit()
    for failures in range(4):
        claimed = book.take(job_id)
        assert claimed.failures == failures
        book.finish(claimed, again())
    assert book.outcomes(job_id) == ["retry"] * 4


def test_a_postponed_task_spends_no_attempt(book: Book) -> None:
    job_id = book.submit()
    for _ in range(3):
        book.run(job_id, ending=again(counted=False))
    row = book.task(job_id)
    assert (row.failures, row.crashes) == (0, 0)
    assert book.outcomes(job_id) == ["postponed"] * 3


def test_a_postponed_task_knows_since_when(book: Book) -> None:
    job_id = book.submit()
    book.run(job_id, ending=again(counted=False))
    book.set(book.task(job_id).id, postponed_since=later(-3600))
    claimed = book.take(job_id)
    assert 3599 < claimed.postponed_seconds < 3605
    book.finish(claimed, again(counted=False))
    assert book.take(job_id).postponed_seconds > 3599


def test_a_real_attempt_begins_the_time_of_postponing_anew(book: Book) -> None:
    job_id = book.submit()
    book.run(job_id, ending=again(counted=False))
    book.run(job_id, ending=again())
    assert book.task(job_id).postponed_since is None
    assert book.take(job_id).postponed_seconds == 0.0


def test_handing_back_spends_nothing(book: Book) -> None:
    job_id = book.submit()
    for _ in range(10):
        book.run(job_id, ending=Released())
    row = book.task(job_id)
    assert (row.failures, row.crashes, row.claim_no) == (0, 0, 10)


def test_a_crash_spends_no_attempt(book: Book) -> None:
    job_id = book.submit()
    book.lose(job_id)
    row = book.task(job_id)
    assert (row.state, row.failures, row.crashes, row.error["code"]) == ("ready", 0, 1, "worker_lost")
    assert book.outcomes(job_id) == ["crashed"]
    assert book.story(job_id) == ["task.retrying only"]


def test_the_fifth_crash_is_the_last(book: Book) -> None:
    job_id = book.submit()
    for _ in range(4):
        book.lose(job_id)
    assert book.task(job_id).state == "ready"
    book.lose(job_id)
    row = book.task(job_id)
    assert (row.state, row.error["code"], row.error["retryable"]) == ("failed", "worker_crashed", True)
    assert book.outcomes(job_id) == ["crashed"] * 4 + ["failed"]
    assert book.job(job_id).state == "failed"
    assert book.job(job_id).error["code"] == "worker_crashed"


def test_failures_between_crashes_leave_the_budget_of_crashes_alone(book: Book) -> None:
    job_id = book.submit()
    for _ in range(4):
        book.lose(job_id)
        book.run(job_id, ending=again())
    assert (book.task(job_id).failures, book.task(job_id).crashes) == (4, 4)
    book.lose(job_id)
    assert book.task(job_id).error["code"] == "worker_crashed"


def test_crashes_are_tried_again_later_and_later(book: Book) -> None:
    job_id = book.submit()
    delays = []
    for _ in range(4):
        book.end_lease(book.take(job_id).task_id)
        leases.expire(book.db, lambda seconds: seconds)
        delays.append(book.events(job_id)[-1].data["delay_seconds"])
        book.make_due(book.task(job_id).id)
    assert delays == [1.0, 2.0, 4.0, 8.0]


def test_an_embedded_start_takes_back_what_was_running(book: Book) -> None:
    running, waiting = book.submit(), book.submit()
    claimed = book.take(running)
    assert leases.expire(book.db, no_jitter).tasks == 0  # its lease has not ended
    taken = leases.take_back_all(book.db, no_jitter)
    assert (taken.tasks, taken.woke) == (1, True)
    assert (book.task(running).state, book.task(running).crashes) == ("ready", 1)
    assert book.task(waiting).state == "ready"
    assert book.take(running).claim_no == claimed.claim_no + 1
