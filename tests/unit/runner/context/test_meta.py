"""What a task notes with `ctx.meta`: kept beside its progress, bounded, and there however the task ends."""

import json
from typing import Any

import pytest

from bureau.contracts.errors import PermanentError
from bureau.ledger.reads import job_queries
from bureau.ledger.reads.job_views import TaskView
from bureau.runtime.execution.event_buffer import META_BYTES, EventBuffer
from bureau.secrets import redaction
from bureau.task import Context
from tests.unit.runner.conftest import Bench
from tests.unit.runner.context.test_event_buffer import Halted, reporter_of

STEP = {"step": "upload", "batch": 7}


def shown(bench: Bench, job_id: Any) -> TaskView:
    job = job_queries.job(bench.db, job_id, "ada")
    assert job is not None
    return job.tasks[0]


def test_the_last_object_is_kept_with_the_result(bench: Bench) -> None:
    def work(ctx: Context) -> None:
        ctx.meta({"step": "read"})
        ctx.progress(1, 4, "rows")
        ctx.meta(STEP)
        ctx.progress(2, 4, "rows")

    task = shown(bench, bench.run(work))
    assert (task.state, task.meta) == ("succeeded", STEP)
    assert task.progress == {"current": 2, "total": 4, "percent": 50.0, "note": "rows"}


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (PermanentError("no_such_customer", "There is none."), "failed"),
        (ValueError("again"), "retrying"),
    ],
)
def test_it_is_kept_when_the_task_does_not_succeed(bench: Bench, error: Exception, state: str) -> None:
    def work(ctx: Context) -> None:
        ctx.meta(STEP)
        raise error

    task = shown(bench, bench.run(work))
    assert (task.state, task.meta, task.progress) == (state, STEP, None)


def test_a_further_attempt_begins_without_it(bench: Bench) -> None:
    def work(ctx: Context) -> None:
        if ctx.attempt == 1:
            ctx.meta(STEP)
            raise ValueError("again")

    job_id = bench.run(work)
    bench.book.set(bench.book.task(job_id).id, due_at=bench.book.task(job_id).started_at)
    bench.give(job_id)
    assert (shown(bench, job_id).state, shown(bench, job_id).meta) == ("succeeded", None)


@pytest.mark.parametrize("wrong", ["text", [1], None, {"x": object()}, {"x": float("nan")}, {"x": "é" * META_BYTES}])
def test_what_is_no_small_json_object_fails_the_task(bench: Bench, wrong: Any) -> None:
    def work(ctx: Context) -> None:
        ctx.meta(wrong)

    task = shown(bench, bench.run(work))
    assert task.state == "failed"
    assert task.error is not None
    assert task.error["code"] == "invalid_meta"


def test_an_object_of_the_largest_size_passes(bench: Bench) -> None:
    largest = {"x": "x" * (META_BYTES - len(json.dumps({"x": ""}, separators=(",", ":"))))}

    def work(ctx: Context) -> None:
        ctx.meta(largest)

    assert shown(bench, bench.run(work)).meta == largest


def test_secrets_of_the_process_are_not_kept(bench: Bench) -> None:
    redaction.keep(["planted-in-meta-0123456789"])

    def work(ctx: Context) -> None:
        ctx.meta({"url": "amqp://planted-in-meta-0123456789@host"})

    assert "planted" not in json.dumps(shown(bench, bench.run(work)).meta)


def test_many_calls_are_one_write_and_no_event_of_their_own(bench: Bench) -> None:
    buffer = EventBuffer("only", 1, "w")
    given = dict(STEP)
    for given["batch"] in range(1000):
        buffer.meta(given)
    given["batch"] = "changed afterwards"
    with buffer.writing() as unwritten:
        assert [event.type for event in unwritten.events] == ["task.started"]
        assert unwritten.progress == {
            "current": 0,
            "total": None,
            "note": None,
            "reported": False,
            "meta": {**STEP, "batch": 999},
        }
    assert not buffer.has_news
    with buffer.writing() as unwritten:
        assert (unwritten.events, unwritten.progress) == ([], None)


def test_a_write_that_fails_is_made_up_for(bench: Bench) -> None:
    buffer = EventBuffer("only", 1, "w")
    buffer.progress(1, 2, None)
    buffer.meta(STEP)
    with pytest.raises(RuntimeError), buffer.writing():
        raise RuntimeError("the ledger is away")
    with buffer.writing() as unwritten:
        assert [event.type for event in unwritten.events] == ["task.started", "task.progressed"]
        assert unwritten.progress == {"current": 1, "total": 2, "note": None, "meta": STEP}
    assert buffer.rest() == []


def test_a_running_task_shows_what_the_reporter_wrote(bench: Bench) -> None:
    class Noting(Halted):
        def work(self, ctx: Context) -> None:
            ctx.meta(STEP)
            super().work(ctx)

    halted = Noting(bench).start()
    reporter = reporter_of(bench, bench.db)
    (execution,) = bench.heartbeat.executions()
    reporter._write([execution])
    assert shown(bench, halted.job_id).meta == STEP
    assert [event.data["current"] for event in written(bench, halted)] == [1]
    halted.end()
    assert shown(bench, halted.job_id).meta == STEP


def written(bench: Bench, halted: Halted) -> list[Any]:
    return [event for event in bench.book.events(halted.job_id) if event.type == "task.progressed"]
