"""Stops: cancel, time limit, shutdown and a lost claim each end a running task their own way."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bureau.contracts.errors import TransientError
from bureau.ledger.db.database import LedgerUnavailable
from bureau.ledger.jobs import cancel, leases
from bureau.ledger.jobs.leases import LeaseStatus
from bureau.runtime import heartbeat
from bureau.stop_token import StopReason
from bureau.task import Context
from tests.support.ledger.book import attempts_at_most, no_jitter, task
from tests.support.waiting import until
from tests.unit.runner.conftest import Bench


class Stubborn:
    """A task that waits to be stopped, in a thread as a worker's would be."""

    def __init__(self, bench: Bench, *, time_limit_seconds: float = 1800.0, max_attempts: int = 8) -> None:
        self.bench = bench
        self.began = threading.Event()
        self.interrupted = threading.Event()
        self.contexts: list[Context] = []
        bench.serve(self.work)
        new = attempts_at_most(max_attempts)
        self.job_id = bench.book.submit(
            task("only", retry=new.retry, time_limit_seconds=time_limit_seconds), task("then", "only")
        )
        self._thread = threading.Thread(target=bench.give, args=[self.job_id], daemon=True)

    def work(self, ctx: Context) -> None:
        self.contexts.append(ctx)
        with ctx.stop.interrupting(self.interrupted.set):
            self.began.set()
            ctx.stop.wait(30)

    def start(self) -> "Stubborn":
        self._thread.start()
        assert self.began.wait(10)
        return self

    def ended(self) -> dict[str, str]:
        """The states of its tasks once its execution has ended."""
        self._thread.join(10)
        assert not self._thread.is_alive()
        assert self.bench.runner.pace.busy == 0
        assert self.bench.heartbeat.executions() == []
        return self.bench.book.states(self.job_id)


@pytest.fixture(autouse=True)
def quick(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A heartbeat that looks often."""
    monkeypatch.setattr(heartbeat, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(heartbeat, "ASK_SECONDS", 0.02)
    bench.heartbeat.start()
    yield
    bench.heartbeat.stop()


def test_a_cancelled_job_stops_its_running_task(bench: Bench) -> None:
    running = Stubborn(bench).start()
    cancel.cancel(bench.db, running.job_id, "ada")
    assert running.ended() == {"only": "cancelled", "then": "cancelled"}
    assert running.interrupted.is_set()
    assert running.contexts[0].stop.reason is StopReason.CANCELLED
    assert bench.book.job(running.job_id).state == "cancelled"


def test_a_task_past_its_time_limit_is_tried_again(bench: Bench) -> None:
    running = Stubborn(bench, time_limit_seconds=0.05).start()
    assert running.ended() == {"only": "ready", "then": "waiting"}
    row = bench.book.task(running.job_id)
    assert (row.failures, row.error["code"]) == (1, "time_limit")
    assert row.error["message"] == "It ran longer than its time limit of 0.05 seconds."


def test_the_time_limit_of_the_last_attempt_fails_the_task(bench: Bench) -> None:
    running = Stubborn(bench, time_limit_seconds=0.05, max_attempts=1).start()
    assert running.ended() == {"only": "failed", "then": "skipped"}
    assert bench.book.job(running.job_id).error["code"] == "time_limit"


def test_a_shutdown_hands_back_what_stops(bench: Bench) -> None:
    running = Stubborn(bench).start()
    bench.runner.close()
    bench.heartbeat.stop_all(StopReason.SHUTDOWN)
    assert running.ended() == {"only": "ready", "then": "waiting"}
    row = bench.book.task(running.job_id)
    assert (row.failures, row.crashes, row.error) == (0, 0, None)
    assert bench.book.outcomes(running.job_id) == ["handed_back"]
    assert bench.bell.rung == 1  # for another worker


def test_a_cancel_before_the_shutdown_is_heard(bench: Bench) -> None:
    running = Stubborn(bench)
    bench.heartbeat.stop()  # so that it does not hear of the cancel
    running.start()
    cancel.cancel(bench.db, running.job_id, "ada")
    bench.heartbeat.stop_all(StopReason.SHUTDOWN)
    assert running.ended() == {"only": "cancelled", "then": "cancelled"}


def test_a_task_that_lost_its_claim_stops_and_writes_nothing(bench: Bench) -> None:
    running = Stubborn(bench).start()
    bench.book.end_lease(bench.book.task(running.job_id).id)
    leases.expire(bench.db, no_jitter)
    mine = bench.book.take(running.job_id, worker="another")
    running.ended()
    assert running.contexts[0].stop.reason is StopReason.LEASE_LOST
    row = bench.book.task(running.job_id)
    assert (row.state, row.worker, row.claim_no) == ("running", "another", mine.claim_no)
    bench.book.finish(mine)


def test_a_deaf_task_that_succeeds_after_its_cancel_has_succeeded(bench: Bench) -> None:
    go_on = threading.Event()

    def work(ctx: Context) -> str:
        go_on.wait(10)
        return "done"

    bench.serve(work, interruptible=False)
    job_id = bench.book.submit()
    thread = threading.Thread(target=bench.give, args=[job_id])
    thread.start()
    until(lambda: bench.book.task(job_id).state == "running")
    cancel.cancel(bench.db, job_id, "ada")
    until(lambda: all(execution.stop.reason for execution in bench.heartbeat.executions()))
    go_on.set()
    thread.join(10)
    assert bench.book.task(job_id).result == "done"


def test_a_task_that_fails_while_it_is_cancelled_is_cancelled(bench: Bench) -> None:
    def work(ctx: Context) -> None:
        cancel.cancel(bench.db, ctx.job_id, "ada")
        raise TransientError("broken", "It broke.")

    job_id = bench.run(work)
    assert bench.book.task(job_id).state == "cancelled"


@pytest.mark.parametrize("method", ["log", "progress", "artifact", "check"])
def test_every_way_out_notices_a_stop(bench: Bench, method: str) -> None:
    def work(ctx: Context) -> None:
        ctx.stop.set(StopReason.SHUTDOWN)
        ways: dict[str, Any] = {
            "log": lambda: ctx.log("line"),
            "progress": lambda: ctx.progress(1),
            "artifact": lambda: ctx.artifact("a", "text/plain").__enter__(),
            "check": ctx.stop.check,
        }
        ways[method]()
        raise AssertionError("not reached")

    assert bench.book.outcomes(bench.run(work)) == ["handed_back"]


def test_leases_are_renewed_while_a_task_runs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "RENEW_SECONDS", 0.02)
    running = Stubborn(bench).start()
    first = bench.book.task(running.job_id).lease_until
    until(lambda: bench.book.task(running.job_id).lease_until > first)
    cancel.cancel(bench.db, running.job_id, "ada")
    running.ended()


def test_a_deaf_task_is_told_of(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def work(ctx: Context) -> None:
        go_on.wait(10)

    bench.serve(work)
    job_id = bench.book.submit()
    thread = threading.Thread(target=bench.give, args=[job_id])
    thread.start()
    until(lambda: bench.heartbeat.executions())
    assert bench.heartbeat.unresponsive_task() is None
    bench.heartbeat.stop_all(StopReason.CANCELLED)
    assert bench.heartbeat.unresponsive_task() is None
    monkeypatch.setattr(bench.heartbeat, "_grace_seconds", -1.0)
    assert "shop.work was asked to stop (cancelled)" in str(bench.heartbeat.unresponsive_task())
    go_on.set()
    thread.join(10)


def test_an_outage_of_the_ledger_stops_nobody(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def away(*_: Any, **__: Any) -> dict[Any, LeaseStatus]:
        asked.append(time.monotonic())
        raise LedgerUnavailable("away")

    running = Stubborn(bench).start()
    monkeypatch.setattr("bureau.process.background_loop.BACKOFF_FIRST_SECONDS", 0.02)
    monkeypatch.setattr(leases, "statuses", away)
    until(lambda: len(asked) >= 2)
    assert running.contexts[0].stop.reason is None
    monkeypatch.undo()
    cancel.cancel(bench.db, running.job_id, "ada")
    running.ended()


def test_a_time_limit_is_watched_though_the_ledger_is_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> dict[Any, LeaseStatus]:
        raise LedgerUnavailable("away")

    monkeypatch.setattr(leases, "statuses", away)
    running = Stubborn(bench, time_limit_seconds=0.1).start()
    assert running.ended()["only"] == "ready"
    assert bench.book.task(running.job_id).error["code"] == "time_limit"
