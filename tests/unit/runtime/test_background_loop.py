"""Tests the background thread of all services: start, wake and stop, in any order and repeatedly."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from bureau.ledger.db.database import LedgerUnavailable
from bureau.process import background_loop
from bureau.process.background_loop import Loop
from tests.support.together import together
from tests.support.waiting import until


class Steps:
    """A step that counts, and does as a test wants."""

    def __init__(self, pause: float = 60.0) -> None:
        self.pause = pause
        self.count = 0
        self.raising: list[Exception] = []
        self.exits = 0

    def step(self) -> float:
        self.count += 1
        if self.raising:
            raise self.raising.pop(0)
        return self.pause

    def exit(self) -> None:
        self.exits += 1


@pytest.fixture
def steps() -> Steps:
    return Steps()


@pytest.fixture
def running(steps: Steps) -> Iterator[Loop]:
    """A loop that is stopped at the end, whatever the test does."""
    made = Loop("test", steps.step, at_exit=steps.exit)
    yield made
    made.stop()


def test_a_loop_steps_at_once_and_then_after_each_pause(steps: Steps, running: Loop) -> None:
    steps.pause = 0.01
    running.start()
    until(lambda: steps.count >= 5)
    assert running.alive
    assert running.last_error is None


def test_waking_ends_a_pause(steps: Steps, running: Loop) -> None:
    running.start()
    until(lambda: steps.count == 1)
    running.wake()
    until(lambda: steps.count == 2)


def test_a_wake_during_a_step_is_not_lost() -> None:
    inside, go_on = threading.Event(), threading.Event()
    count: list[int] = []

    def step() -> float:
        count.append(1)
        if len(count) == 1:
            inside.set()
            go_on.wait(10)
        return 60.0

    waking = Loop("test", step)
    waking.start()
    assert inside.wait(10)
    for _ in range(5):
        waking.wake()
    go_on.set()
    until(lambda: len(count) == 2)
    waking.stop()
    assert len(count) == 2  # five wakes were one


def test_a_wake_before_the_start_is_harmless(steps: Steps, running: Loop) -> None:
    running.wake()
    running.start()
    until(lambda: steps.count >= 1)


def test_two_starts_make_one_thread(steps: Steps, running: Loop) -> None:
    running.start()
    until(lambda: steps.count == 1)
    running.start()
    assert sum(thread.name == "test" for thread in threading.enumerate()) == 1
    assert steps.count == 1


def test_concurrent_starts_make_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is held where it makes its thread until the other comes there too, or does not for a while."""
    meeting = threading.Barrier(2)

    class Met(threading.Thread):
        def __init__(self, **given: Any) -> None:
            if given.get("name") == "crowd":
                with contextlib.suppress(threading.BrokenBarrierError):
                    meeting.wait(0.2)
            super().__init__(**given)

    monkeypatch.setattr(threading, "Thread", Met)
    counted = Steps()
    started = Loop("crowd", counted.step)
    together(2, lambda _: started.start())
    assert sum(thread.name == "crowd" for thread in threading.enumerate()) == 1
    started.stop()


def test_repeated_and_concurrent_stops_are_harmless(steps: Steps, running: Loop) -> None:
    running.start()
    together(4, lambda _: running.stop())
    running.stop()
    assert not running.alive
    assert steps.exits == 1


def test_a_loop_that_was_stopped_before_its_start_makes_no_step(steps: Steps, running: Loop) -> None:
    running.stop()
    running.start()
    until(lambda: not running.alive)
    assert steps.count == 0


def test_stopping_waits_for_the_current_step() -> None:
    inside, go_on = threading.Event(), threading.Event()
    ended: list[str] = []

    def step() -> float:
        inside.set()
        go_on.wait(10)
        ended.append("step")
        return 0.0

    slow = Loop("test", step, at_exit=lambda: ended.append("exit"))
    slow.start()
    assert inside.wait(10)
    threading.Timer(0.05, go_on.set).start()
    slow.stop()
    assert ended == ["step", "exit"]


def test_stopping_gives_up_on_a_step_that_hangs() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def step() -> float:
        inside.set()
        go_on.wait(10)
        return 60.0

    hanging = Loop("test", step)
    hanging.start()
    assert inside.wait(10)
    hanging.stop(timeout_seconds=0.05)
    assert hanging.alive
    go_on.set()
    until(lambda: not hanging.alive)


def test_a_step_may_stop_its_own_loop() -> None:
    def step() -> float:
        alone.stop()
        return 0.0

    alone = Loop("test", step)
    alone.start()
    until(lambda: not alone.alive)


def test_a_step_that_raises_is_called_again_and_its_error_is_recorded(
    steps: Steps, running: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_loop, "BACKOFF_FIRST_SECONDS", 0.01)
    steps.raising = [LedgerUnavailable("gone"), LedgerUnavailable("gone"), ValueError("odd")]
    seen: list[str | None] = []
    step = steps.step

    def watched() -> float:
        seen.append(running.last_error)
        return step()

    running._step = watched
    running.start()
    until(lambda: steps.count == 4)
    until(lambda: running.last_error is None)
    assert seen == [None, "LedgerUnavailable: gone", "LedgerUnavailable: gone", "ValueError: odd"]


def test_a_loop_logs_once_that_it_fails_and_once_that_it_works_again(
    steps: Steps, running: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_loop, "BACKOFF_FIRST_SECONDS", 0.01)
    steps.pause, steps.raising = 0.01, [LedgerUnavailable("gone"), LedgerUnavailable("gone")]
    with capture_logs() as said:
        running.start()
        until(lambda: steps.count >= 5)
    assert [(record["event"], record["loop"]) for record in said] == [
        ("the loop failed and tries again", "test"),
        ("the loop works again", "test"),
    ]


def test_the_backoff_grows_to_its_cap_and_is_reset_by_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def step() -> float:
        if len(waits) < 6 or len(waits) == 7:
            raise OSError("away")
        if len(waits) == 6:
            waits.append(-1.0)  # the success
            return 0.0
        backing.stop()
        return 60.0

    backing = Loop("test", step)
    monkeypatch.setattr(backing._stopping, "wait", lambda seconds: waits.append(seconds))
    backing.start()
    until(lambda: not backing.alive)
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, -1.0, 0.2]


def test_wakes_do_not_shorten_a_backoff(steps: Steps, running: Loop) -> None:
    steps.raising = [LedgerUnavailable("gone")]
    running.start()
    until(lambda: running.last_error is not None)
    for _ in range(20):
        running.wake()
    assert steps.count == 1


def test_stopping_ends_a_backoff(steps: Steps, running: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_loop, "BACKOFF_FIRST_SECONDS", 60.0)
    steps.raising = [LedgerUnavailable("gone")]
    running.start()
    until(lambda: running.last_error is not None)
    running.stop()
    assert not running.alive


def test_a_loop_tells_whether_it_runs(steps: Steps, running: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert running.unhealthy_reason() is None  # not started yet
    running.start()
    until(lambda: steps.count == 1)
    assert running.unhealthy_reason() is None
    monkeypatch.setattr(background_loop, "STUCK_SECONDS", -1.0)
    assert "it has not finished a step for" in str(running.unhealthy_reason())
    running.stop()
    assert running.unhealthy_reason() is None
