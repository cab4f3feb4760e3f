"""What an execution's outcome leads to in the ledger: the type that was raised decides."""

import asyncio
import math
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import update

from bureau.contracts.errors import MAX_DETAILS, ErrorDetail, PermanentError, Postponed, Stopped, TransientError
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import jobs
from bureau.ledger.jobs.outcome import Succeeded
from bureau.runtime.execution.task_outcomes import RESULT_BYTES
from bureau.task import Context
from tests.support.ledger.book import attempts_at_most, task
from tests.unit.runner.conftest import Bench


class Odd(BaseException):
    """Not an Exception."""


def raising(error: BaseException) -> Callable[[Context], None]:
    def work(ctx: Context) -> None:
        raise error

    return work


def test_a_result_is_kept(bench: Bench) -> None:
    def suma(ctx: Context, a: int, b: int) -> dict[str, int]:
        return {"sum": a + b}

    bench.serve(suma)
    job_id = bench.book.submit(task(input={"a": 2, "b": 2}))
    bench.give(job_id)
    row = bench.book.task(job_id)
    assert (row.state, row.result, row.worker) == ("succeeded", {"sum": 4}, "w")
    assert bench.runner.pace.busy == 0
    assert bench.heartbeat.executions() == []


def test_an_execution_knows_what_it_is(bench: Bench) -> None:
    seen: list[Any] = []

    def work(ctx: Context) -> None:
        seen.append((ctx.job_id, ctx.task_id, ctx.owner, ctx.attempt, ctx.claim_no, bench.runner.pace.busy))
        if len(seen) < 3:
            raise TransientError("again", "Again.", retry_after=0)

    job_id = bench.run(work, owner="ada")
    task_id = bench.book.task(job_id).id
    for _ in range(2):
        bench.book.make_due(task_id)
        bench.give(job_id)
    assert seen == [(job_id, task_id, "ada", n, n, 1) for n in (1, 2, 3)]


def test_a_transient_error_is_tried_again_later(bench: Bench) -> None:
    job_id = bench.run(raising(TransientError("away", "It is away.", retry_after=100)))
    row = bench.book.task(job_id)
    assert (row.state, row.failures) == ("ready", 1)
    assert row.error == {"code": "away", "message": "It is away.", "retryable": True}
    delay = bench.book.events(job_id)[-1].data["delay_seconds"]
    assert 100 <= delay <= 101


def test_the_last_attempt_fails_for_good_and_can_be_retried_by_a_person(bench: Bench) -> None:
    bench.serve(raising(TransientError("away", "It is away.")))
    job_id = bench.book.submit(attempts_at_most(1))
    bench.give(job_id)
    assert (bench.book.task(job_id).state, bench.book.task(job_id).error["retryable"]) == ("failed", True)


def test_a_permanent_error_fails_at_once(bench: Bench) -> None:
    job_id = bench.run(raising(PermanentError("no_roster", "The roster is empty.")))
    assert bench.book.job(job_id).state == "failed"
    error = {"code": "no_roster", "message": "The roster is empty.", "retryable": False}
    assert bench.book.task(job_id).error == error
    assert bench.book.outcomes(job_id) == ["failed"]


def test_a_postponement_costs_no_attempt(bench: Bench) -> None:
    bench.serve(raising(Postponed("open", "The breaker is open.", delay=40)))
    job_id = bench.book.submit(attempts_at_most(1))
    bench.give(job_id)
    row = bench.book.task(job_id)
    assert (row.state, row.failures, row.error["code"]) == ("ready", 0, "open")
    assert bench.book.events(job_id)[-1].data["delay_seconds"] == 40


def test_a_task_that_was_postponed_for_a_day_fails(bench: Bench) -> None:
    bench.serve(raising(Postponed("open", "The breaker is open.", delay=40)))
    job_id = bench.book.submit()
    bench.book.set(bench.book.task(job_id).id, postponed_since=later(-24 * 3600))
    bench.give(job_id)
    assert bench.book.task(job_id).state == "failed"
    assert "postponed for 24 hours" in bench.book.task(job_id).error["message"]


@pytest.mark.parametrize(
    "error",
    [
        ValueError("cannot reach postgresql://ada:hunter2@db/x and amqp://bob:p@ss:w/rd@mq:5672"),
        SystemExit("leaving, see https://token123@example.com/"),
        Odd("neither"),
        asyncio.CancelledError("a loop inside"),
        RecursionError("too deep"),
    ],
)
def test_anything_else_is_tried_again_and_tells_no_password(bench: Bench, error: BaseException) -> None:
    job_id = bench.run(raising(error))
    row = bench.book.task(job_id)
    assert (row.state, row.failures, row.error["code"]) == ("ready", 1, "unexpected_error")
    assert f"shop.work raised {type(error).__name__}" in row.error["message"]
    for secret in ("hunter2", "p@ss", "w/rd", "token123"):
        assert secret not in row.error["message"]


def test_a_long_or_nasty_message_is_cut_and_cleaned(bench: Bench) -> None:
    job_id = bench.run(raising(ValueError("\x00\ud800" + "x" * 10_000)))
    message = bench.book.task(job_id).error["message"]
    assert len(message) < 600
    assert "\x00" not in message
    message.encode()


def test_stopped_raised_by_hand_is_an_error_like_another(bench: Bench) -> None:
    """Nobody asked it to stop: left alone it would run on in the ledger, with nobody running it."""
    job_id = bench.run(raising(Stopped("cancelled")))
    assert (bench.book.task(job_id).state, bench.book.task(job_id).error["code"]) == ("ready", "unexpected_error")


@pytest.mark.parametrize("result", [math.nan, math.inf, {"a": [1, -math.inf]}])
def test_numbers_that_json_lacks_are_refused(bench: Bench, result: Any) -> None:
    def work(ctx: Context) -> Any:
        return result

    job_id = bench.run(work)
    assert (bench.book.task(job_id).state, bench.book.task(job_id).error["code"]) == ("failed", "result_not_json")


def test_a_result_that_is_no_json_is_refused(bench: Bench) -> None:
    def work(ctx: Context) -> Any:
        return object()

    job_id = bench.run(work)
    assert (bench.book.task(job_id).state, bench.book.task(job_id).error["code"]) == ("failed", "result_not_json")


@pytest.mark.parametrize(("characters", "state"), [(RESULT_BYTES - 2, "succeeded"), (RESULT_BYTES - 1, "failed")])
def test_a_result_has_a_size_limit(bench: Bench, characters: int, state: str) -> None:
    def work(ctx: Context) -> str:
        return "x" * characters

    job_id = bench.run(work)
    assert bench.book.task(job_id).state == state
    if state == "failed":
        error = bench.book.task(job_id).error
        assert error["code"] == "result_too_large"
        assert "262,145" in error["message"]
        assert "artifact" in error["message"]


def test_an_input_of_another_version_waits_for_its_worker(bench: Bench) -> None:
    def work(ctx: Context, a: int) -> None:
        raise AssertionError("not called")

    bench.serve(work)
    job_id = bench.book.submit(task(input={"a": 1, "new_field": True}))
    bench.give(job_id)
    row = bench.book.task(job_id)
    assert (row.state, row.failures, row.error["code"]) == ("ready", 0, "newer_input")
    assert "new_field" in row.error["message"]


def test_an_input_that_no_gateway_checked_fails_at_once(bench: Bench) -> None:
    """A job of `bureau.submit`, which cannot check inputs against their schemas."""

    def work(ctx: Context, a: int) -> None:
        raise AssertionError("not called")

    bench.serve(work)
    job_id = bench.book.submit(task(input={"a": "one"}))
    with bench.book.db.transaction() as connection:
        connection.execute(update(jobs).where(jobs.c.id == job_id).values(submitted_by="shop"))
    bench.give(job_id)
    row = bench.book.task(job_id)
    assert (row.state, row.error["code"]) == ("failed", "invalid_input")
    assert "The input does not fit shop.work: a:" in row.error["message"]


def test_a_validation_error_inside_a_task_is_no_input_of_another_version(bench: Bench) -> None:
    class Answer(BaseModel):
        total: int

    def work(ctx: Context) -> int:
        return Answer.model_validate({"total": "n/a"}).total

    job_id = bench.run(work)
    assert (bench.book.task(job_id).failures, bench.book.task(job_id).error["code"]) == (1, "unexpected_error")


def after(bench: Bench, given: Any, result: Any, function: Callable[..., Any]) -> Any:
    """The row of a task whose input was put together from the result of the one before it."""
    bench.serve(function)
    job_id = bench.book.submit(task("north"), task("mail", "north", input=given))
    bench.book.run(job_id, "north", Succeeded(result))
    bench.give(job_id, "mail")
    return bench.book.task(job_id, "mail")


def echo(ctx: Context, rows: int) -> int:
    return rows


def test_references_are_results_of_the_tasks_before(bench: Bench) -> None:
    row = after(bench, {"rows": {"$result": "/north/table/rows"}}, {"table": {"rows": 7}}, echo)
    assert (row.state, row.result) == ("succeeded", 7)
    assert row.input == {"rows": {"$result": "/north/table/rows"}}


def test_a_reference_that_leads_nowhere_fails_for_good(bench: Bench) -> None:
    row = after(bench, {"rows": {"$result": "/north/nothing"}}, {"rows": 7}, echo)
    assert (row.state, row.error["code"]) == ("failed", "result_missing")


def test_a_result_that_does_not_fit_fails_for_good(bench: Bench) -> None:
    row = after(bench, {"rows": {"$result": "/north/rows"}}, {"rows": "many"}, echo)
    assert (row.state, row.error["code"]) == ("failed", "invalid_input")


def test_the_details_of_an_error_are_kept_bounded_and_scrubbed(bench: Bench) -> None:
    details = [ErrorDetail("amqp://user:hidden-password@host", "a.csv", 2, "email")] * (MAX_DETAILS + 5)
    bench.serve(raising(PermanentError("invalid_roster", "Wrong.", details=details)))
    job_id = bench.book.submit()
    bench.give(job_id)
    kept = bench.book.task(job_id).error["details"]
    assert len(kept) == MAX_DETAILS
    assert (kept[0]["file"], kept[0]["line"], kept[0]["column"]) == ("a.csv", 2, "email")
    assert "hidden-password" not in kept[0]["message"]
