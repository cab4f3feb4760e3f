"""Finish: every ending, what it leaves in the rows, and a claim that is told twice or no longer its own."""

import pytest
from sqlalchemy import delete

from bureau.ledger.db.tables import jobs
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.finish import Finished, FinishResult
from bureau.ledger.jobs.outcome import Cancelled, Outcome, Released, Succeeded
from tests.support.ledger.book import BROKEN, Book, again, failed, task
from tests.support.together import together

ENDINGS = [
    pytest.param(Succeeded({"n": 1}), id="succeeded"),
    pytest.param(failed(), id="failed"),
    pytest.param(again(), id="retry"),
    pytest.param(again(counted=False), id="postponed"),
    pytest.param(Released(), id="handed back"),
    pytest.param(Cancelled(), id="cancelled"),
]


def line(text: str, name: str = "only") -> TaskEvent:
    return TaskEvent("task.logged", name, {"line": text})


def test_a_success_keeps_its_result_and_ends_the_job(book: Book) -> None:
    job_id = book.submit()
    assert book.run(job_id, ending=Succeeded({"rows": [1, 2.5, "ü", None]})) == Finished(FinishResult.DONE, woke=False)
    row, job = book.task(job_id), book.job(job_id)
    assert (row.state, row.result, row.error) == ("succeeded", {"rows": [1, 2.5, "ü", None]}, None)
    assert (job.state, job.error, job.open_tasks) == ("succeeded", None, 0)
    assert job.finished_at is not None
    assert book.story(job_id) == ["task.succeeded only", "job.finished"]
    assert book.attempts(job_id) == []


@pytest.mark.parametrize("result", [None, False, 0, "", [], {}, "text", [{"a": [None]}], 2**53, 1e300])
def test_any_json_value_is_a_result(book: Book, result: object) -> None:
    job_id = book.submit()
    book.run(job_id, ending=Succeeded(result))
    assert book.task(job_id).result == result


def test_a_success_after_failures_shows_no_error(book: Book) -> None:
    job_id = book.submit()
    book.run(job_id, ending=again())
    assert book.task(job_id).error == BROKEN
    book.run(job_id)
    assert book.task(job_id).error is None


def test_a_failure_keeps_its_error_and_fails_the_job(book: Book) -> None:
    job_id = book.submit()
    assert book.run(job_id, ending=failed("no_roster", "The roster is empty.")) == Finished(
        FinishResult.DONE, woke=False
    )
    error = {"code": "no_roster", "message": "The roster is empty.", "retryable": True}
    assert (book.task(job_id).state, book.task(job_id).error) == ("failed", error)
    assert book.job(job_id).state == "failed"
    assert book.job(job_id).error == {**error, "task": "only"}
    assert book.outcomes(job_id) == ["failed"]
    assert book.events(job_id)[-1].data == {"state": "failed", "error": {**error, "task": "only"}}


def test_a_retry_makes_the_task_ready_again_and_counts(book: Book) -> None:
    job_id = book.submit()
    assert book.run(job_id, ending=again()) == Finished(FinishResult.DONE, woke=True)
    row = book.task(job_id)
    assert (row.state, row.failures, row.error, row.worker, row.lease_until) == ("ready", 1, BROKEN, None, None)
    assert book.outcomes(job_id) == ["retry"]
    assert book.story(job_id) == ["task.retrying only"]
    assert book.events(job_id)[0].data == {"error": BROKEN, "delay_seconds": 0.0, "counted": True}


def test_a_released_task_is_ready_and_loses_no_attempt(book: Book) -> None:
    job_id = book.submit()
    assert book.run(job_id, ending=Released()) == Finished(FinishResult.DONE, woke=True)
    row = book.task(job_id)
    assert (row.state, row.failures, row.crashes, row.error) == ("ready", 0, 0, None)
    assert book.outcomes(job_id) == ["handed_back"]
    assert book.claim(job_id) is not None


def test_a_cancelled_execution_ends_its_task_as_cancelled(book: Book) -> None:
    job_id = book.submit()
    book.run(job_id, ending=Cancelled())
    assert (book.task(job_id).state, book.task(job_id).error["code"]) == ("cancelled", "cancelled")
    assert book.job(job_id).state == "cancelled"
    assert book.outcomes(job_id) == ["cancelled"]


def test_becoming_ready_clears_the_stamp_and_the_count_of_hints(book: Book) -> None:
    for ending in (again(), again(counted=False), Released()):
        job_id = book.submit()
        claimed = book.take(job_id)
        book.set(claimed.task_id, hinted_at=book.task(job_id).claimed_at, hints=3)
        book.finish(claimed, ending)
        assert (book.task(job_id).hinted_at, book.task(job_id).hints) == (None, 0)


def test_lines_become_events_in_order_before_the_end(book: Book) -> None:
    job_id = book.submit(task("a"), task("b"))
    book.finish(book.take(job_id, "a"), lines=[line("one", "a"), line("two", "a")])
    book.finish(book.take(job_id, "b"), failed(), [line("three", "b")])
    assert book.story(job_id) == [
        "task.logged a",
        "task.logged a",
        "task.succeeded a",
        "task.logged b",
        "task.failed b",
        "job.finished",
    ]
    assert [event.data.get("line") for event in book.events(job_id)][:4] == ["one", "two", None, "three"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_lines_are_kept_with_every_ending(book: Book, ending: Outcome) -> None:
    job_id = book.submit()
    book.finish(book.take(job_id), ending, [line("said")])
    assert book.story(job_id)[0] == "task.logged only"


@pytest.mark.parametrize("ending", [Succeeded(1), failed()])
def test_an_end_that_is_told_again_was_written_before(book: Book, ending: Outcome) -> None:
    job_id = book.submit()
    claimed = book.take(job_id)
    book.finish(claimed, ending, [line("said")])
    story = book.story(job_id)
    assert book.finish(claimed, ending, [line("said")]).fate is FinishResult.ALREADY
    assert book.story(job_id) == story


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_end_of_a_claim_that_was_lost_is_discarded(book: Book, ending: Outcome) -> None:
    job_id = book.submit()
    lost = book.lose(job_id)
    mine = book.take(job_id)
    before = book.task(job_id), book.story(job_id)
    assert book.finish(lost, ending, [line("late")]) == Finished(FinishResult.DISCARDED)
    assert (book.task(job_id), book.story(job_id)) == before
    assert book.finish(mine, Succeeded("mine")).fate is FinishResult.DONE
    assert book.finish(lost, ending).fate is FinishResult.DISCARDED
    assert book.task(job_id).result == "mine"


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_end_of_a_claim_that_was_taken_back_is_discarded(book: Book, ending: Outcome) -> None:
    job_id = book.submit()
    lost = book.lose(job_id)
    assert book.finish(lost, ending).fate is FinishResult.DISCARDED
    assert book.task(job_id).state == "ready"


def test_the_end_in_a_job_that_was_deleted_is_discarded(book: Book) -> None:
    job_id = book.submit()
    claimed = book.take(job_id)
    with book.db.transaction() as connection:
        connection.execute(delete(jobs).where(jobs.c.id == job_id))
    assert book.finish(claimed).fate is FinishResult.DISCARDED


def test_the_same_outcome_from_two_threads_is_written_once(book: Book) -> None:
    for _ in range(20):
        job_id = book.submit()
        claimed = book.take(job_id)
        fates = [finished.fate for finished in together(2, lambda _: book.finish(claimed, Succeeded(1)))]  # noqa: B023 - called at once
        assert sorted(fates) == [FinishResult.ALREADY, FinishResult.DONE]
        assert book.story(job_id) == ["task.succeeded only", "job.finished"]


def test_the_last_progress_is_kept_with_a_success(book: Book) -> None:
    job_id = book.submit()
    book.run(job_id, ending=Succeeded(None, progress={"current": 5, "total": 5, "note": "rows"}))
    assert book.task(job_id).progress == {"current": 5, "total": 5, "note": "rows"}


def test_progress_written_before_stays_when_the_end_brings_none(book: Book) -> None:
    job_id = book.submit()
    claimed = book.take(job_id)
    book.set(claimed.task_id, progress={"current": 1, "total": None, "note": None})
    book.finish(claimed)
    assert book.task(job_id).progress == {"current": 1, "total": None, "note": None}


def test_times_of_an_attempt_are_recorded(book: Book) -> None:
    job_id = book.submit()
    claimed = book.take(job_id, worker="w-7")
    began = book.task(job_id).claimed_at
    book.finish(claimed, again())
    (attempt,) = book.attempts(job_id)
    assert (attempt.claim_no, attempt.worker, attempt.started_at, attempt.error) == (1, "w-7", began, BROKEN)
    assert attempt.ended_at >= began
