"""The traceback of what a task raised stands on its attempt, bounded and without secrets, for people who operate."""

from collections.abc import Iterator
from typing import Any

import pytest

from bureau.contracts.errors import PermanentError, Postponed, TransientError
from bureau.ledger.reads import job_queries
from bureau.runtime.execution.raised_error import TRACEBACK_CHARACTERS
from bureau.secrets import redaction
from bureau.task import Context
from tests.support.ledger.book import attempts_at_most
from tests.unit.runner.conftest import Bench

SECRET = "planted-secret-of-this-process"


@pytest.fixture(autouse=True)
def planted() -> Iterator[None]:
    before = set(redaction._known_secrets)
    redaction.keep([SECRET])
    yield
    redaction._known_secrets.clear()
    redaction._known_secrets.update(before)


def shown(bench: Bench, job_id: Any, *, tracebacks: bool = True) -> list[Any]:
    """The tracebacks of a job's attempts, as its page reads them."""
    job = job_queries.job(bench.db, job_id, "ada", tracebacks=tracebacks)
    assert job is not None
    return [attempt["traceback"] for attempt in job.tasks[0].attempts]


def divide(by: int) -> float:
    return 1 / by


def test_an_unexpected_error_says_where_it_was_raised_on_each_attempt(bench: Bench) -> None:
    def work(ctx: Context) -> float:
        return divide(0)

    bench.serve(work)
    job_id = bench.book.submit(attempts_at_most(2))
    for _ in range(2):
        bench.book.make_due(bench.book.task(job_id).id)
        bench.give(job_id)
    first, last = shown(bench, job_id)
    assert first == last
    assert first.startswith("Traceback (most recent call last):\n")
    assert first.endswith("ZeroDivisionError: division by zero")
    assert "in divide\n    return 1 / by" in first
    assert "bureau/runtime" not in first  # it begins with the task
    assert "bureau/task.py" not in first


def test_who_may_not_see_them_reads_none(bench: Bench) -> None:
    def work(ctx: Context) -> float:
        return divide(0)

    job_id = bench.run(work)
    assert shown(bench, job_id, tracebacks=False) == [None]


def test_an_error_that_says_it_all_has_none_and_one_that_was_caused_has_one(bench: Bench) -> None:
    def plainly(ctx: Context) -> None:
        raise PermanentError("no_such_customer", "There is no customer 7.")

    def caused(ctx: Context) -> None:
        try:
            divide(0)
        except ZeroDivisionError as error:
            raise TransientError("shop_away", "The shop does not answer.") from error

    def postponed(ctx: Context) -> None:
        try:
            divide(0)
        except ZeroDivisionError as error:
            raise Postponed("closed", "The shop opens at eight.", delay=60) from error

    assert shown(bench, bench.run(plainly)) == [None]
    (told,) = shown(bench, bench.run(caused))
    assert "ZeroDivisionError: division by zero" in told
    assert told.endswith("TransientError: The shop does not answer.")
    assert shown(bench, bench.run(postponed)) == [None]


def test_no_secret_stands_in_it_and_it_is_bounded(bench: Bench) -> None:
    def work(ctx: Context) -> None:
        raise ValueError(f"amqp://user:{'p' * 40}@host {SECRET} " * 5000 + "\x00\ud800 the end")

    (told,) = shown(bench, bench.run(work))
    assert len(told) <= TRACEBACK_CHARACTERS + 3
    assert SECRET[:8] not in told
    assert "pppp" not in told
    assert "\x00" not in told
    told.encode()
    assert "in work" in told
    assert told.endswith("the end")


def test_of_very_many_the_newest_are_shown(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(ctx: Context) -> float:
        return divide(0)

    bench.serve(work)
    job_id = bench.book.submit(attempts_at_most(5))
    for _ in range(4):
        bench.book.make_due(bench.book.task(job_id).id)
        bench.give(job_id)
    length = len(shown(bench, job_id)[0])
    monkeypatch.setattr("bureau.ledger.reads.attempts.TRACEBACKS_CHARACTERS", 2 * length)
    assert [told is not None for told in shown(bench, job_id)] == [False, False, True, True]
