"""Graphs: what an ended task makes ready, and what can no longer run."""

import pytest

from bureau.contracts.jobs.states import When
from bureau.ledger.jobs.finish import Finished, FinishResult
from bureau.ledger.jobs.outcome import Cancelled
from tests.support.ledger.book import Book, failed, optional, task


def test_a_chain_runs_one_after_the_other(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"), task("c", "b"))
    assert book.states(job_id) == {"a": "ready", "b": "waiting", "c": "waiting"}
    assert book.run(job_id, "a") == Finished(FinishResult.DONE, woke=True)
    assert book.states(job_id) == {"a": "succeeded", "b": "ready", "c": "waiting"}
    book.run(job_id, "b")
    assert book.job(job_id).state == "open"
    assert book.run(job_id, "c") == Finished(FinishResult.DONE, woke=False)
    assert book.job(job_id).state == "succeeded"


def test_a_group_is_ready_at_once(book: Book) -> None:
    job_id = book.submit(task("a"), task("b"), task("c"))
    for name in ("c", "a"):
        assert not book.run(job_id, name).woke
    assert book.job(job_id).open_tasks == 1
    book.run(job_id, "b")
    assert book.job(job_id).state == "succeeded"


def test_a_chord_runs_its_last_task_when_all_the_others_have_ended(book: Book) -> None:
    job_id = book.submit(task("a"), task("b"), task("c"), task("sum", "a b c"))
    for name in ("b", "a"):
        assert not book.run(job_id, name).woke
        assert book.states(job_id)["sum"] == "waiting"
    assert book.run(job_id, "c").woke
    assert book.states(job_id)["sum"] == "ready"


def test_a_diamond_comes_together_once(book: Book) -> None:
    job_id = book.submit(task("top"), task("left", "top"), task("right", "top"), task("bottom", "left right"))
    book.run(job_id, "top")
    assert book.states(job_id) == {"top": "succeeded", "left": "ready", "right": "ready", "bottom": "waiting"}
    book.run(job_id, "left")
    assert book.states(job_id)["bottom"] == "waiting"
    book.run(job_id, "right")
    book.run(job_id, "bottom")
    assert book.job(job_id).state == "succeeded"


SUCCEEDED, FAILED, CANCELLED = "succeeded", "failed", "cancelled"
WHEN = [
    (When.SUCCEEDED, (SUCCEEDED, SUCCEEDED), "ready"),
    (When.SUCCEEDED, (SUCCEEDED, FAILED), "skipped"),
    (When.SUCCEEDED, (SUCCEEDED, CANCELLED), "skipped"),
    (When.FAILED, (SUCCEEDED, SUCCEEDED), "skipped"),
    (When.FAILED, (FAILED, SUCCEEDED), "ready"),
    (When.FAILED, (SUCCEEDED, FAILED), "ready"),
    (When.FAILED, (FAILED, FAILED), "ready"),
    (When.FAILED, (CANCELLED, SUCCEEDED), "skipped"),
    (When.ENDED, (SUCCEEDED, SUCCEEDED), "ready"),
    (When.ENDED, (FAILED, CANCELLED), "ready"),
]


@pytest.mark.parametrize(("when", "ends", "then"), WHEN)
def test_when_says_after_which_ends_a_task_runs(book: Book, when: When, ends: tuple[str, str], then: str) -> None:
    endings = {SUCCEEDED: None, FAILED: failed(), CANCELLED: Cancelled()}
    job_id = book.submit(task("a"), task("b"), task("c", "a b", when=when), task("z"))
    for name, end in zip(("a", "b"), ends, strict=True):
        book.run(job_id, name, endings[end])
    assert book.states(job_id)["c"] == then


def test_what_needs_success_is_skipped_as_soon_as_one_failed(book: Book) -> None:
    job_id = book.submit(task("a"), task("b"), task("c", "a b"))
    assert not book.run(job_id, "a", failed()).woke
    assert book.states(job_id) == {"a": "failed", "b": "ready", "c": "skipped"}
    assert book.job(job_id).state == "open"
    book.run(job_id, "b")
    assert book.job(job_id).state == "failed"
    assert book.states(job_id)["c"] == "skipped"


def test_what_runs_on_failure_waits_until_all_have_ended(book: Book) -> None:
    job_id = book.submit(task("a"), task("b"), task("c", "a b", when=When.FAILED))
    assert not book.run(job_id, "a", failed()).woke
    assert book.states(job_id)["c"] == "waiting"
    assert book.run(job_id, "b").woke
    book.run(job_id, "c")
    assert book.job(job_id).state == "failed"


def test_skipping_goes_down_the_whole_graph(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"), task("c", "b"), task("d", "c"), task("e", "b d"))
    book.run(job_id, "a", failed())
    assert book.states(job_id) == {"a": "failed", "b": "skipped", "c": "skipped", "d": "skipped", "e": "skipped"}
    assert book.job(job_id).state == "failed"
    assert book.story(job_id) == ["task.failed a", "job.finished"]


def test_a_skipped_task_lets_what_runs_in_any_case_run(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"), task("clean", "b", when=When.ENDED))
    assert book.run(job_id, "a", failed()).woke
    assert book.states(job_id) == {"a": "failed", "b": "skipped", "clean": "ready"}


def test_a_skipped_task_is_no_failure_for_what_runs_on_failure(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"), task("alarm", "b", when=When.FAILED))
    book.run(job_id, "a", failed())
    assert book.states(job_id)["alarm"] == "skipped"


def test_one_end_may_skip_one_dependent_and_make_another_ready(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"), task("c", "a", when=When.FAILED), task("d", "b c", when=When.ENDED))
    assert book.run(job_id, "a", failed()).woke
    assert book.states(job_id) == {"a": "failed", "b": "skipped", "c": "ready", "d": "waiting"}
    assert book.run(job_id, "c").woke
    book.run(job_id, "d")
    assert book.job(job_id).state == "failed"


def test_the_failure_of_an_optional_task_does_not_fail_the_job(book: Book) -> None:
    job_id = book.submit(task("a"), optional("b"), task("c", "a b", when=When.ENDED))
    book.run(job_id, "b", failed())
    book.run(job_id, "a")
    book.run(job_id, "c")
    assert book.job(job_id).state == "succeeded"
    assert book.job(job_id).error is None


def test_the_jobs_error_is_that_of_the_task_that_failed_first(book: Book) -> None:
    job_id = book.submit(optional("whim"), task("a"), task("b"), task("c"))
    book.run(job_id, "whim", failed("whim"))
    book.run(job_id, "b", failed("first"))
    book.run(job_id, "a", failed("second"))
    book.run(job_id, "c")
    assert (book.job(job_id).error["code"], book.job(job_id).error["task"]) == ("first", "b")


def test_a_task_that_failed_and_was_caught_fails_the_job_all_the_same(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a", when=When.ENDED))
    book.run(job_id, "a", failed())
    book.run(job_id, "b")
    assert book.job(job_id).state == "failed"


def test_jobs_do_not_touch_each_others_tasks(book: Book) -> None:
    first, second = book.submit(task("a"), task("b", "a")), book.submit(task("a"), task("b", "a"))
    book.run(first, "a", failed())
    assert book.states(first) == {"a": "failed", "b": "skipped"}
    assert book.states(second) == {"a": "ready", "b": "waiting"}
