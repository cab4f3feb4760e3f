"""Code that blocks the event loop is named, with its stack, and counted."""

import asyncio
import threading
import time

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from bureau.runtime.coroutines.blocked_loop import Turns
from bureau.task import Context
from tests.support.waiting import until
from tests.unit.coroutines.conftest import Plant


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("seconds", "news"), [(0.0, False), (0.99, False), (1.0, True), (600.0, True)])
def test_a_loop_is_blocked_after_a_second_without_a_turn(seconds: float, news: bool) -> None:
    clock = Clock()
    turns = Turns(clock)
    assert turns.ask()
    clock.now += seconds
    assert not turns.ask()
    assert (turns.is_news(), turns.is_news()) == (news, False)
    assert turns.turned() == (seconds if news else None)
    assert turns.waited == 0.0


def test_a_loop_that_nobody_asked_is_not_blocked() -> None:
    turns = Turns(Clock())
    assert not turns.is_news()
    assert turns.turned() is None


def test_the_task_that_blocks_the_loop_is_named_with_its_stack_and_counted(plant: Plant) -> None:
    go_on = threading.Event()

    async def child() -> None:
        go_on.wait(60)  # blocks on purpose

    async def blocks(ctx: Context) -> None:
        await asyncio.create_task(child())

    plant.serve(blocks)
    before = REGISTRY.get_sample_value("bureau_event_loop_blocked_total") or 0
    with capture_logs() as logs:
        plant.start()
        job_id = plant.submit(blocks)
        until(lambda: [line for line in logs if line["event"] == "the event loop is blocked"], 60, "it is said")
        time.sleep(0)  # another thread may run
        go_on.set()
        assert plant.wait_for_end(job_id) == "succeeded"
        until(lambda: [line for line in logs if line["event"] == "the event loop turns again"], 60, "it turns again")
    said = next(line for line in logs if line["event"] == "the event loop is blocked")
    assert said["task"] == f"shop.blocks {plant.book.task(job_id).id}"
    assert "blocks on purpose" in said["stack"]
    assert (REGISTRY.get_sample_value("bureau_event_loop_blocked_total") or 0) > before
