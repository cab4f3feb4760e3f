"""Hooks of tasks: told in order, in the task's thread, after the ledger has the end, and without a say in it."""

import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from bureau.contracts.errors import PermanentError, Postponed
from bureau.ledger.jobs import cancel
from bureau.process.hooks import HOOKS, Hooks, TaskRun, on
from bureau.runtime.execution.execution import Execution
from bureau.runtime.execution.telling import Telling
from bureau.stop_token import StopReason
from bureau.task import Context
from tests.support.hooked import hooks_aside, noted
from tests.unit.runner.conftest import Bench


@pytest.fixture(autouse=True)
def aside() -> Iterator[None]:
    with hooks_aside():
        yield


def raising(error: BaseException) -> Any:
    def work(ctx: Context) -> None:
        raise error

    return work


GONE = PermanentError("no_such_customer", "There is none.")
AGAIN = ValueError("again")
CLOSED = Postponed("closed", "The shop is closed.", delay=60)


@pytest.mark.parametrize(
    ("work", "moment", "error"),
    [
        (lambda _: 4, "succeeded", None),
        (raising(GONE), "failed", GONE),
        (raising(AGAIN), "retried", AGAIN),
        (raising(CLOSED), "retried", CLOSED),
    ],
)
def test_the_hooks_of_a_task_are_told_how_it_went(bench: Bench, work: Any, moment: str, error: Any) -> None:
    told = noted()
    job_id = bench.run(work)
    assert [one for one, _ in told] == ["started", moment, "ended"]
    row = bench.book.task(job_id)
    for _, run in told:
        assert (run.run, run.queue, run.name, run.owner) == ("shop.work", "shop", "only", "ada")
        assert (run.job_id, run.task_id, run.attempt, run.claim_no) == (job_id, row.id, 1, 1)
    assert [run.error for _, run in told] == [None, error, error]


def test_a_cancelled_task_is_told_as_cancelled(bench: Bench) -> None:
    told = noted()

    def work(ctx: Context) -> None:
        cancel.cancel(bench.db, ctx.job_id, "ada")
        bench.heartbeat.executions()[0].stop.set(StopReason.CANCELLED)
        ctx.stop.check()

    bench.run(work)
    assert [moment for moment, _ in told] == ["started", "cancelled", "ended"]


def test_a_task_that_is_handed_back_only_ends(bench: Bench) -> None:
    told = noted()

    def work(ctx: Context) -> None:
        bench.heartbeat.executions()[0].stop.set(StopReason.SHUTDOWN)
        ctx.stop.check()

    bench.run(work)
    assert [moment for moment, _ in told] == ["started", "ended"]


def test_the_end_is_in_the_ledger_before_its_hooks_are_told(bench: Bench) -> None:
    seen: list[tuple[str, str]] = []

    @on("started", "succeeded", "ended")
    def look(run: TaskRun) -> None:
        seen.append((bench.book.task(run.job_id).state, threading.current_thread().name))

    bench.run(lambda _: None)
    me = threading.current_thread().name
    assert seen == [("running", me), ("succeeded", me), ("succeeded", me)]


class Rude(Exception):
    """An error that cannot even be written down."""

    def __str__(self) -> str:
        raise SystemExit(3)


@pytest.mark.parametrize("error", [ValueError("broken hook"), SystemExit(3), KeyboardInterrupt(), GONE, Rude()])
def test_a_hook_that_raises_changes_nothing_and_keeps_no_other_from_being_told(
    bench: Bench, error: BaseException
) -> None:
    @on("started", "succeeded", "ended")
    def broken(run: TaskRun) -> None:
        raise error

    told = noted()
    job_id = bench.run(lambda _: "done")
    assert (bench.book.task(job_id).state, bench.book.task(job_id).result) == ("succeeded", "done")
    assert [moment for moment, _ in told] == ["started", "succeeded", "ended"]


def test_without_hooks_nothing_is_made_for_them(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(self: Telling, execution: Execution, error: Any = None) -> TaskRun:
        raise AssertionError("nobody listens")

    monkeypatch.setattr(Telling, "_run", never)
    job_id: UUID = bench.run(raising(GONE))
    assert bench.book.task(job_id).state == "failed"


@pytest.mark.parametrize("moments", [(), ("started", "process_started")])
def test_moments_of_tasks_and_processes_are_not_mixed(moments: Any) -> None:
    with pytest.raises(TypeError, match="moments of tasks, or of processes"):
        on(*moments)


def test_a_moment_that_there_is_not_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="'finished' is no moment; there are started, succeeded"):
        on("finished")  # type: ignore[arg-type]  # as somebody without a type checker writes it


def test_a_coroutine_function_is_refused() -> None:
    async def hook(run: TaskRun) -> None:
        pass

    with pytest.raises(TypeError, match="write def"):
        on("started")(hook)
    assert not HOOKS.has(["started"])


def test_hooks_are_called_in_the_order_of_their_declaration() -> None:
    hooks, called = Hooks(), []
    hooks.add(["started"], lambda: called.append(1))
    hooks.add(["started", "ended"], lambda: called.append(2))
    hooks.call("started")
    hooks.call("ended")
    hooks.call("failed")
    assert called == [1, 2, 2]
