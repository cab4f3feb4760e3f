"""A task that never looks at its context is interrupted, and everybody else in the process goes on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from bureau.contracts.errors import PermanentError
from bureau.ledger.jobs import cancel, leases
from bureau.runtime import heartbeat
from bureau.runtime.execution import interrupt
from bureau.stop_token import StopReason
from bureau.task import Context
from tests.support.ledger.book import attempts_at_most, no_jitter, task
from tests.support.waiting import until
from tests.unit.runner.conftest import Bench


@pytest.fixture(autouse=True)
def quick(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A heartbeat that looks and interrupts often."""
    monkeypatch.setattr(heartbeat, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(heartbeat, "ASK_SECONDS", 0.02)
    monkeypatch.setattr(interrupt, "FIRST_AFTER_SECONDS", 0.05)
    monkeypatch.setattr(interrupt, "AGAIN_AFTER_SECONDS", 0.05)
    bench.heartbeat.start()
    yield
    bench.heartbeat.stop()


def spin() -> None:
    while True:
        sum(range(10))


class Busy:
    """A task in a thread of its own, as a worker's would be: it computes until it is interrupted."""

    def __init__(self, bench: Bench, work: Callable[[], Any] = spin, **terms: Any) -> None:
        self.bench = bench
        self.began = threading.Event()

        def busy(ctx: Context) -> Any:
            self.began.set()
            return work()

        bench.serve(busy, f"shop.busy{id(self)}")
        new = attempts_at_most(8)
        self.job_id = bench.book.submit(task("only", run=f"shop.busy{id(self)}", retry=new.retry, **terms))
        self._thread = threading.Thread(target=bench.give, args=[self.job_id], daemon=True)
        self._thread.start()
        assert self.began.wait(30)

    def ended(self) -> Any:
        """The row of the task once its execution has ended."""
        self._thread.join(60)
        assert not self._thread.is_alive()
        assert (self.bench.runner.pace.busy, self.bench.heartbeat.executions()) == (0, [])
        return self.bench.book.task(self.job_id)


def test_a_cancel_ends_it_and_its_neighbour_goes_on(bench: Bench) -> None:
    running = Busy(bench)
    go_on = threading.Event()

    def neighbour(ctx: Context) -> str:
        assert go_on.wait(60)
        return "done"

    bench.serve(neighbour)
    job_id = bench.book.submit()
    thread = threading.Thread(target=bench.give, args=[job_id])
    thread.start()
    until(lambda: bench.book.task(job_id).state == "running", 30)
    cancel.cancel(bench.db, running.job_id, "ada")
    until(lambda: bench.book.task(running.job_id).state == "cancelled", 60)
    go_on.set()
    thread.join(30)
    assert bench.book.task(job_id).result == "done"
    running.ended()


def test_a_time_limit_ends_it(bench: Bench) -> None:
    row = Busy(bench, time_limit_seconds=0.1).ended()
    assert (row.state, row.failures, row.error["code"]) == ("ready", 1, "time_limit")


def test_a_shutdown_hands_it_back(bench: Bench) -> None:
    running = Busy(bench)
    bench.runner.close()
    bench.heartbeat.stop_all(StopReason.SHUTDOWN)
    row = running.ended()
    assert (row.state, row.failures, row.crashes) == ("ready", 0, 0)
    assert bench.book.outcomes(running.job_id) == ["handed_back"]


def test_a_lost_lease_ends_it_and_it_writes_nothing(bench: Bench) -> None:
    running = Busy(bench)
    bench.book.end_lease(bench.book.task(running.job_id).id)
    leases.expire(bench.db, no_jitter)
    mine = bench.book.take(running.job_id, worker="another")
    row = running.ended()
    assert (row.state, row.worker, row.claim_no) == ("running", "another", mine.claim_no)
    bench.book.finish(mine)


def swallow_once() -> str:
    """Half of its work is done, and it does not say so."""
    with suppress(BaseException):
        spin()
    return "as if nothing had been"


def turn_into_another() -> None:
    try:
        spin()
    except BaseException as error:
        raise PermanentError("broken", "It broke.") from error


def swallow_exceptions() -> None:
    while True:
        try:
            spin()
        except Exception:  # noqa: BLE001, S112 - as much code does
            continue


@pytest.mark.parametrize("work", [swallow_once, turn_into_another, swallow_exceptions])
def test_an_exception_raised_from_an_interrupt_does_not_count(bench: Bench, work: Callable[[], Any]) -> None:
    running = Busy(bench, work)
    cancel.cancel(bench.db, running.job_id, "ada")
    assert running.ended().state == "cancelled"


def test_the_next_task_of_the_thread_runs_undisturbed(bench: Bench) -> None:
    """An interrupt that came too late for a task would end the one after it, or its finish."""

    def short(ctx: Context) -> int:
        return sum(range(1000))

    def spinning(ctx: Context) -> None:
        spin()

    def many() -> None:
        for _ in range(20):
            running = bench.book.submit(task(run="shop.spin", time_limit_seconds=0.01))
            next_one = bench.book.submit(task(run="shop.short"))
            bench.give(running)
            bench.give(next_one)
            assert bench.book.task(running).error["code"] == "time_limit"
            assert bench.book.task(next_one).result == 499500
        done.append(True)

    done: list[bool] = []
    bench.serve(short, "shop.short")
    bench.serve(spinning, "shop.spin")
    thread = threading.Thread(target=many)
    thread.start()
    thread.join(120)
    assert done == [True]


def say(ctx: Context) -> None:
    ctx.log("still written")


def test_locks_of_the_process_outlive_an_interrupt_of_a_task_that_logs(bench: Bench) -> None:
    """It is inside of the context most of the time: in the buffer of its events, in storage, in the ledger."""
    held: list[Context] = []

    def work(ctx: Context) -> None:
        held.append(ctx)
        while True:
            try:
                ctx.log("line")
                ctx.progress(1, 2)
                with ctx.artifact("a.txt", "text/plain") as file:
                    file.write(b"x")
            except BaseException:  # goes on although it was told
                if len(held) == 1:
                    held.append(ctx)
                else:
                    raise

    bench.serve(work)
    for _ in range(5):
        job_id = bench.book.submit()
        thread = threading.Thread(target=bench.give, args=[job_id], daemon=True)
        thread.start()
        until(partial(bench.is_running, job_id), 30)
        cancel.cancel(bench.db, job_id, "ada")
        thread.join(60)
        assert bench.book.task(job_id).state == "cancelled"
        held.clear()
    assert bench.stored_keys() == []
    assert bench.book.task(bench.run(say)).state == "succeeded"


def test_a_task_can_ask_to_be_left_alone(bench: Bench) -> None:
    go_on = threading.Event()

    def work(ctx: Context) -> str:
        while not go_on.is_set():
            sum(range(10))
        return "whole"

    bench.serve(work, interruptible=False)
    job_id = bench.book.submit()
    thread = threading.Thread(target=bench.give, args=[job_id], daemon=True)
    thread.start()
    until(lambda: bench.heartbeat.executions() != [], 30)
    (execution,) = bench.heartbeat.executions()
    execution.stop.set(StopReason.TIME_LIMIT)
    for _ in range(1000):
        execution.interrupt.send_if_due()
    assert not execution.interrupt.sent
    go_on.set()
    thread.join(30)
    assert bench.book.task(job_id).result == "whole"
