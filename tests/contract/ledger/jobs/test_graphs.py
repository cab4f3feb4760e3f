"""Graphs: what an ended task makes ready, and what can no longer run."""

import pytest

from bureau.contracts.jobs.states import When
from bureau.ledger.jobs.finish import Finished, FinishResult
from bureau.ledger.jobs.outcome import Cancelled
from bureau.ledger.jobs.retry_job import Retrying, retry
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


def test_a_task_that_needs_success_is_skipped_at_the_first_failure(book: Book) -> None:
    job_id = book.submit(task("a"), task("b"), task("c", "a b"))
    assert not book.run(job_id, "a", failed()).woke
    assert book.states(job_id) == {"a": "failed", "b": "ready", "c": "skipped"}
    assert book.job(job_id).state == "open"
    book.run(job_id, "b")
    assert book.job(job_id).state == "failed"
    assert book.states(job_id)["c"] == "skipped"


def test_a_task_that_runs_on_failure_waits_until_all_upstream_tasks_ended(book: Book) -> None:
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


@pytest.mark.parametrize("broken", ["a", "b", "c"])
def test_a_task_that_runs_on_failure_ends_a_chain_whichever_link_failed(book: Book, broken: str) -> None:
    job_id = book.submit(
        task("a"), task("b", "a"), task("c", "b"), task("alarm", "c", when=When.FAILED), task("more", "alarm")
    )
    for name in "abc"[: "abc".index(broken)]:
        book.run(job_id, name)
    assert book.run(job_id, broken, failed()).woke
    assert book.states(job_id)["alarm"] == "ready"
    book.run(job_id, "alarm")
    book.run(job_id, "more")
    assert book.job(job_id).state == "failed"


def test_a_task_that_runs_on_failure_is_skipped_if_no_link_of_the_chain_failed(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"), task("alarm", "b", when=When.FAILED), task("more", "alarm"))
    book.run(job_id, "a")
    book.run(job_id, "b")
    assert book.states(job_id) == {"a": "succeeded", "b": "succeeded", "alarm": "skipped", "more": "skipped"}
    assert book.job(job_id).state == "succeeded"


@pytest.mark.parametrize("first", ["left", "right"])
def test_a_join_passes_on_a_failure_whichever_branch_ends_first(book: Book, first: str) -> None:
    """The alarm of the left branch is skipped without a failure, the right branch fails."""
    job_id = book.submit(
        task("left"),
        task("calm", "left", when=When.FAILED),
        task("right"),
        task("join", "calm right"),
        task("alarm", "join", when=When.FAILED),
    )
    for name in ("left", "right") if first == "left" else ("right", "left"):
        book.run(job_id, name, failed() if name == "right" else None)
    assert book.states(job_id) == {
        "left": "succeeded",
        "calm": "skipped",
        "right": "failed",
        "join": "skipped",
        "alarm": "ready",
    }


def test_a_caught_failure_is_not_passed_on(book: Book) -> None:
    job_id = book.submit(
        task("a"), task("always", "a", when=When.ENDED), task("b", "always"), task("alarm", "b", when=When.FAILED)
    )
    book.run(job_id, "a", failed())
    book.run(job_id, "always")
    book.run(job_id, "b")
    assert book.states(job_id)["alarm"] == "skipped"


def test_the_failure_of_an_optional_task_is_passed_on_too(book: Book) -> None:
    job_id = book.submit(optional("a"), task("b", "a"), task("alarm", "b", when=When.FAILED))
    book.run(job_id, "a", failed())
    book.run(job_id, "alarm")
    assert book.job(job_id).state == "succeeded"


def test_a_cancelled_task_is_no_failure_also_through_a_chain(book: Book) -> None:
    job_id = book.submit(
        task("a"), task("b", "a"), task("alarm", "b", when=When.FAILED), task("always", "b", when=When.ENDED)
    )
    book.run(job_id, "a", Cancelled())
    assert book.states(job_id) == {"a": "cancelled", "b": "skipped", "alarm": "skipped", "always": "ready"}


def test_a_retried_job_passes_its_new_failure_on(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"), task("c", "b"), task("alarm", "c", when=When.FAILED))
    book.run(job_id, "a", failed())
    book.run(job_id, "alarm", failed())
    assert retry(book.db, job_id, "ada") is Retrying.RETRIED
    assert book.states(job_id) == {"a": "ready", "b": "waiting", "c": "waiting", "alarm": "waiting"}
    book.run(job_id, "a")
    book.run(job_id, "b", failed())
    assert book.states(job_id) == {"a": "succeeded", "b": "failed", "c": "skipped", "alarm": "ready"}


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
