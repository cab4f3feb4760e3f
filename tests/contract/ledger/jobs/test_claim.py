"""Claim: one winner, and only of what is ready, due and this queue's."""

from datetime import UTC, datetime

from bureau.contracts.ids import new_id
from bureau.ledger.db.sql_time import later
from bureau.ledger.jobs import cancel
from bureau.ledger.jobs.claim import Claim, claim, results
from bureau.ledger.jobs.outcome import Succeeded
from tests.support.ledger.book import Book, again, failed, task
from tests.support.together import together


def test_a_claim_holds_what_the_worker_needs(book: Book) -> None:
    job_id = book.submit(
        task("a"), task("b", "a", run="shop.other", input={"x": 1}, time_limit_seconds=7.0), owner="grace"
    )
    book.run(job_id, "a")
    claimed = book.take(job_id, "b", worker="w-1")
    assert (claimed.job_id, claimed.owner, claimed.name, claimed.run) == (job_id, "grace", "b", "shop.other")
    assert (claimed.input, claimed.after, claimed.time_limit_seconds) == ({"x": 1}, ("a",), 7.0)
    assert (claimed.claim_no, claimed.failures, claimed.crashes, claimed.postponed_seconds) == (1, 0, 0, 0.0)
    row = book.task(job_id, "b")
    assert (row.state, row.worker) == ("running", "w-1")
    assert row.claimed_at == row.started_at
    assert 25 < (row.lease_until - datetime.now(UTC)).total_seconds() < 35


def test_among_many_workers_one_has_the_task(book: Book) -> None:
    for _ in range(10):
        job_id = book.submit()
        tried = together(8, lambda number: book.claim(job_id, worker=f"w{number}"))  # noqa: B023 - called at once
        won = [claimed for claimed in tried if claimed]
        assert len(won) == 1
        row = book.task(job_id)
        assert (row.worker, row.claim_no) == (won[0].worker, 1)


def test_two_workers_that_know_all_tasks_never_hold_the_same(book: Book) -> None:
    job_id = book.submit(*(task(f"t{n}") for n in range(30)))
    ids = [row.id for row in book.tasks(job_id)]

    def take_all(number: int) -> list[Claim]:
        order = ids if number % 2 else list(reversed(ids))
        tried = (claim(book.db, task_id, queue="shop", worker=f"w{number}") for task_id in order)
        return [claimed for claimed in tried if claimed]

    held = [claimed.task_id for claims in together(4, take_all) for claimed in claims]
    assert sorted(held) == sorted(ids)


def test_a_task_of_another_queue_is_not_claimed(book: Book) -> None:
    job_id = book.submit(task(queue="mailer"))
    assert book.claim(job_id, queue="shop") is None
    assert book.claim(job_id, queue="mailer") is not None


def test_a_task_that_does_not_exist_is_not_claimed(book: Book) -> None:
    assert claim(book.db, new_id(), queue="shop", worker="w") is None


def test_a_task_that_waits_is_not_claimed(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"))
    assert book.claim(job_id, "b") is None


def test_a_task_that_runs_is_not_claimed(book: Book) -> None:
    job_id = book.submit()
    book.take(job_id)
    assert book.claim(job_id) is None


def test_a_task_past_its_lease_is_its_workers_until_it_was_taken_back(book: Book) -> None:
    job_id = book.submit()
    book.end_lease(book.take(job_id).task_id)
    assert book.claim(job_id) is None


def test_a_task_that_is_not_due_is_not_claimed(book: Book) -> None:
    job_id = book.submit(delay_seconds=60)
    assert book.claim(job_id) is None
    book.make_due(book.task(job_id).id)
    assert book.claim(job_id) is not None


def test_an_ended_task_is_not_claimed(book: Book) -> None:
    succeeded, failed_one, cancelled = book.submit(), book.submit(), book.submit()
    book.run(succeeded)
    book.run(failed_one, ending=failed())
    cancel.cancel(book.db, cancelled, "ada")
    assert [book.claim(job_id) for job_id in (succeeded, failed_one, cancelled)] == [None, None, None]


def test_a_job_that_expired_before_it_started_is_not_claimed(book: Book) -> None:
    job_id = book.submit(expires_at=datetime(2001, 1, 1, tzinfo=UTC))
    assert book.claim(job_id) is None


def test_a_job_that_started_before_it_expired_goes_on(book: Book) -> None:
    job_id = book.submit(task("a"), task("b"), expires_at=datetime(2199, 1, 1, tzinfo=UTC))
    book.run(job_id, "a", again())
    for name in ("a", "b"):
        book.set(book.task(job_id, name).id, expires_at=later(-1))
    assert book.claim(job_id, "a") is not None
    assert book.claim(job_id, "b") is not None


def test_the_claims_number_grows_with_every_claim(book: Book) -> None:
    job_id = book.submit()
    for number in (1, 2, 3):
        claimed = book.take(job_id)
        assert claimed.claim_no == number
        book.finish(claimed, again())


def test_the_first_start_is_kept_through_retries(book: Book) -> None:
    job_id = book.submit()
    first = book.take(job_id)
    started = book.task(job_id).started_at
    book.finish(first, again())
    book.take(job_id)
    assert book.task(job_id).started_at == started


def test_a_new_claim_begins_without_the_progress_of_the_one_before(book: Book) -> None:
    job_id = book.submit()
    claimed = book.take(job_id)
    book.set(claimed.task_id, progress={"current": 1, "total": 2, "note": None})
    book.finish(claimed, again())
    book.take(job_id)
    assert book.task(job_id).progress is None


def test_results_are_read_by_the_names_of_tasks(book: Book) -> None:
    job_id = book.submit(task("a"), task("b"), task("c", "a b"))
    book.run(job_id, "a", Succeeded({"rows": 3}))
    book.run(job_id, "b", Succeeded([1, None]))
    assert results(book.db, job_id, ["a", "b"]) == {"a": {"rows": 3}, "b": [1, None]}
    assert results(book.db, job_id, ["c", "unknown"]) == {"c": None}
    assert results(book.db, job_id, []) == {}
    assert results(book.db, new_id(), ["a"]) == {}
