"""Cancel: what waits ends at once, what runs is asked to stop, and asking twice is harmless."""

import pytest

from bureau.contracts.ids import new_id
from bureau.ledger.jobs.cancel import Cancelling, cancel
from bureau.ledger.jobs.outcome import Cancelled, Outcome, Released, Succeeded
from tests.support.ledger.book import Book, again, failed, task
from tests.support.together import together


def test_a_queued_job_is_cancelled_at_once(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"), task("c"))
    assert cancel(book.db, job_id, "ada") is Cancelling.CANCELLED
    job = book.job(job_id)
    assert book.states(job_id) == {"a": "cancelled", "b": "cancelled", "c": "cancelled"}
    assert (job.state, job.open_tasks, job.error["code"]) == ("cancelled", 0, "cancelled")
    assert job.cancel_requested_at is not None
    assert sorted(book.story(job_id)[:3]) == ["task.cancelled a", "task.cancelled b", "task.cancelled c"]
    assert book.story(job_id)[3:] == ["job.finished"]
    assert {row.error["code"] for row in book.tasks(job_id)} == {"cancelled"}


def test_a_running_task_is_flagged_and_the_rest_is_cancelled(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"))
    claimed = book.take(job_id, "a")
    assert cancel(book.db, job_id, "ada") is Cancelling.CANCELLED
    assert book.states(job_id) == {"a": "running", "b": "cancelled"}
    assert book.task(job_id, "a").stop_requested_at is not None
    assert book.task(job_id, "a").lease_until is not None
    assert book.job(job_id).state == "open"
    book.finish(claimed, Cancelled())
    assert book.job(job_id).state == "cancelled"
    assert book.task(job_id, "a").error["code"] == "cancelled"


@pytest.mark.parametrize("ending", [again(), again(counted=False), Released(), Cancelled()])
def test_a_flagged_task_never_becomes_ready_again(book: Book, ending: Outcome) -> None:
    job_id = book.submit()
    claimed = book.take(job_id)
    cancel(book.db, job_id, "ada")
    assert not book.finish(claimed, ending).woke
    assert book.task(job_id).state == "cancelled"
    assert book.job(job_id).state == "cancelled"


def test_a_flagged_task_that_succeeds_all_the_same_has_succeeded(book: Book) -> None:
    job_id = book.submit()
    claimed = book.take(job_id)
    cancel(book.db, job_id, "ada")
    book.finish(claimed, Succeeded("done"))
    assert (book.task(job_id).state, book.task(job_id).result) == ("succeeded", "done")
    assert book.job(job_id).state == "succeeded"


def test_a_flagged_task_that_fails_has_failed(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"))
    claimed = book.take(job_id, "a")
    cancel(book.db, job_id, "ada")
    book.finish(claimed, failed())
    assert book.states(job_id) == {"a": "failed", "b": "cancelled"}
    assert book.job(job_id).state == "failed"


def test_cancelling_twice_is_harmless(book: Book) -> None:
    job_id = book.submit()
    cancel(book.db, job_id, "ada")
    before = book.job(job_id), book.tasks(job_id), book.story(job_id)
    assert cancel(book.db, job_id, "ada") is Cancelling.ALREADY
    assert (book.job(job_id), book.tasks(job_id), book.story(job_id)) == before


def test_cancelling_twice_while_a_task_runs_asks_once(book: Book) -> None:
    job_id = book.submit()
    claimed = book.take(job_id)
    cancel(book.db, job_id, "ada")
    asked = book.task(job_id).stop_requested_at
    assert cancel(book.db, job_id, "ada") is Cancelling.ALREADY
    assert book.task(job_id).stop_requested_at == asked
    book.finish(claimed, Cancelled())


@pytest.mark.parametrize("ending", [Succeeded(1), failed()])
def test_an_ended_job_is_not_cancelled(book: Book, ending: Outcome) -> None:
    job_id = book.submit()
    book.run(job_id, ending=ending)
    before = book.job(job_id), book.tasks(job_id)
    assert cancel(book.db, job_id, "ada") is Cancelling.ENDED
    assert (book.job(job_id), book.tasks(job_id)) == before


def test_another_owners_job_is_not_there(book: Book) -> None:
    job_id = book.submit(owner="bob")
    assert cancel(book.db, job_id, "ada") is None
    assert cancel(book.db, new_id(), "ada") is None
    assert book.task(job_id).state == "ready"


def test_a_task_that_waits_for_its_next_attempt_is_cancelled(book: Book) -> None:
    job_id = book.submit()
    book.run(job_id, ending=again(3600))
    cancel(book.db, job_id, "ada")
    assert (book.task(job_id).state, book.task(job_id).due_at) == ("cancelled", None)
    assert book.outcomes(job_id) == ["retry"]


def test_a_cancel_leaves_ended_tasks_unchanged(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"), task("c", "b"))
    book.run(job_id, "a", Succeeded(7))
    cancel(book.db, job_id, "ada")
    assert book.states(job_id) == {"a": "succeeded", "b": "cancelled", "c": "cancelled"}
    assert book.task(job_id, "a").result == 7
    assert book.job(job_id).state == "cancelled"


def test_two_people_cancel_at_once(book: Book) -> None:
    for _ in range(15):
        job_id = book.submit(task("a"), task("b"))
        asked = together(2, lambda _: cancel(book.db, job_id, "ada"))  # noqa: B023 - called at once
        assert sorted(filter(None, asked)) == [Cancelling.ALREADY, Cancelling.CANCELLED]
        assert book.story(job_id).count("job.finished") == 1
