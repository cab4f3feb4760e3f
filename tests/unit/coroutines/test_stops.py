"""A cancel, the time limit, a lost lease and a shutdown end a coroutine at its `await`."""

import asyncio
import threading
from typing import Any

import pytest

from bureau.contracts.errors import Stopped
from bureau.ledger.jobs.cancel import cancel
from bureau.stop_token import StopReason
from bureau.task import Context
from tests.support.waiting import until
from tests.unit.coroutines.conftest import Plant


class Shop:
    """Tasks that wait for long, and what became of them."""

    def __init__(self) -> None:
        self.began = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.ended: list[str] = []

    async def wait(self, _ctx: Context) -> str:
        """Waits on the event loop until it is let go."""
        self.began.release()
        try:
            while not self.go_on.is_set():
                await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        self.ended.append("went on")
        return "went on"

    async def thread(self, ctx: Context) -> None:
        """Waits in a thread, which looks at the Context."""
        self.began.release()

        def work() -> None:
            try:
                while True:
                    ctx.stop.wait(0.05)
            except Stopped:
                self.ended.append("stopped")
                raise

        await asyncio.to_thread(work)

    async def group(self, ctx: Context) -> None:
        """Waits for the tasks of a group."""
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(self.wait(ctx))

    async def clean(self, ctx: Context) -> None:
        """Has something to put away at its end."""
        self.began.release()
        try:
            await ctx.sleep(600)
        finally:
            await asyncio.sleep(0.05)
            self.ended.append("cleaned")

    def wait_for_begun(self, count: int = 1) -> None:
        for _ in range(count):
            assert self.began.acquire(timeout=60)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.mark.parametrize(
    ("kind", "says"),
    [("wait", ["cancelled"]), ("thread", ["stopped"]), ("group", ["cancelled"] * 3), ("clean", ["cleaned"])],
)
def test_a_cancel_ends_it_at_its_await(plant: Plant, shop: Shop, kind: str, says: list[str]) -> None:
    function = getattr(shop, kind)
    plant.serve(function)
    plant.start()
    job_id = plant.submit(function)
    shop.wait_for_begun(len(says))
    cancel(plant.db, job_id, "ada")
    assert plant.wait_for_end(job_id) == "cancelled"
    until(lambda: shop.ended == says, 30, lambda: f"the end of the code: {shop.ended}")


def test_the_time_limit_ends_it_and_counts_as_an_attempt(plant: Plant, shop: Shop) -> None:
    plant.serve(shop.wait, time_limit_seconds=0.2, max_attempts=1)
    plant.start()
    job_id = plant.submit(shop.wait)
    assert plant.wait_for_end(job_id) == "failed"
    assert plant.book.task(job_id).error["code"] == "time_limit"
    assert shop.ended == ["cancelled"]


def test_a_lost_lease_ends_it_and_it_writes_nothing(plant: Plant, shop: Shop) -> None:
    plant.serve(shop.wait)
    plant.start()
    job_id = plant.submit(shop.wait)
    shop.wait_for_begun()
    plant.book.expire(plant.book.task(job_id).id)
    until(lambda: shop.ended == ["cancelled"], 30, "the end of the code")
    shop.wait_for_begun()  # under another claim
    assert plant.book.outcomes(job_id) == ["crashed"]
    shop.go_on.set()
    assert plant.wait_for_end(job_id) == "succeeded"
    assert plant.book.task(job_id).claim_no == 2


def test_a_task_that_outlasts_the_grace_is_released_and_runs_elsewhere(plant: Plant, shop: Shop) -> None:
    plant.serve(shop.wait)
    plant.start()
    job_id = plant.submit(shop.wait, 20)
    shop.wait_for_begun(20)
    plant.stop()
    assert set(plant.book.states(job_id).values()) == {"ready"}
    assert plant.book.outcomes(job_id, "t7") == ["handed_back"]
    assert plant.book.task(job_id, "t7").failures == 0
    shop.go_on.set()
    plant.start()
    assert plant.wait_for_end(job_id) == "succeeded"


def test_a_task_that_ends_within_the_grace_is_waited_for(plant: Plant, shop: Shop) -> None:
    plant.serve(shop.wait)
    plant.start(grace_seconds=30)
    job_id = plant.submit(shop.wait)
    shop.wait_for_begun()
    threading.Timer(0.2, shop.go_on.set).start()
    plant.stop()
    assert plant.book.job(job_id).state == "succeeded"


def test_hints_that_a_stopped_process_had_not_claimed_are_still_there(plant: Plant, shop: Shop) -> None:
    plant.serve(shop.wait)
    plant.start(concurrency=1)
    job_id = plant.submit(shop.wait, 3)
    shop.wait_for_begun()
    plant.stop()
    assert sorted(plant.book.states(job_id).values()) == ["ready"] * 3
    shop.go_on.set()
    plant.start()
    assert plant.wait_for_end(job_id) == "succeeded"


def test_a_task_that_does_not_heed_a_stop_is_named(plant: Plant, shop: Shop) -> None:
    async def deaf(ctx: Context) -> str:
        shop.began.release()
        while not shop.go_on.is_set():
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                shop.ended.append("ignored")
        return "done"

    plant.serve(deaf)
    process = plant.start()
    job_id = plant.submit(deaf)
    shop.wait_for_begun()
    process.heartbeat.stop_all(StopReason.CANCELLED)
    until(process.heartbeat.unresponsive_task, 30, "it is named")
    named: Any = process.heartbeat.unresponsive_task()
    assert "shop.deaf" in named
    shop.go_on.set()
    assert plant.wait_for_end(job_id) == "succeeded"
