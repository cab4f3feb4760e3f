"""A lifespan makes a resource before the first task of a process, and closes it after the last one."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from bureau.lifespans import LIFESPANS, Lifespan, lifespan
from bureau.runtime.coroutines.lifespans import LifespanFailed
from bureau.task import Context
from tests.unit.coroutines.conftest import Plant

shop_name: contextvars.ContextVar[str] = contextvars.ContextVar("shop_name", default="nameless")


class Story:
    """What happened, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def client(self) -> AsyncIterator[asyncio.AbstractEventLoop]:
        """A client that belongs to the loop."""
        self.told.append("client made")
        shop_name.set("the corner shop")
        yield asyncio.get_running_loop()
        self.told.append("client closed")

    def pool(self) -> Iterator[str]:
        """A pool of a library that blocks."""
        assert threading.current_thread() is not threading.main_thread()
        self.told.append("pool made")
        yield "a pool"
        self.told.append("pool closed")


@pytest.fixture
def story() -> Story:
    return Story()


def test_it_is_made_once_and_closed_after_the_last_task(plant: Plant, story: Story) -> None:
    client, pool = Lifespan(story.client), Lifespan(story.pool)

    async def on_loop(ctx: Context) -> list[object]:
        story.told.append("task")
        return [client.value is asyncio.get_running_loop(), pool.value, shop_name.get()]

    def on_thread(ctx: Context) -> str:
        story.told.append("task")
        return pool.value

    plant.serve(on_loop, on_thread)
    plant.start(lifespans=[client, pool, client])
    jobs = [plant.submit(on_loop), plant.submit(on_thread)]
    assert [plant.wait_for_end(job_id) for job_id in jobs] == ["succeeded"] * 2
    assert plant.book.task(jobs[0]).result == [True, "a pool", "the corner shop"]
    assert plant.book.task(jobs[1]).result == "a pool"
    plant.stop()
    assert story.told == ["client made", "pool made", "task", "task", "pool closed", "client closed"]
    with pytest.raises(RuntimeError, match="has not begun"):
        _ = pool.value


def test_one_that_cannot_begin_keeps_the_process_from_starting_and_closes_the_others(
    plant: Plant, story: Story
) -> None:
    async def broken() -> AsyncIterator[None]:
        raise ConnectionError("nobody there")
        yield

    async def work(ctx: Context) -> None: ...

    plant.serve(work)
    with pytest.raises(LifespanFailed, match=r"broken raised ConnectionError: nobody there"):
        plant.start(lifespans=[Lifespan(story.client), Lifespan(broken)])
    assert story.told[0] == "client made"


def test_one_that_raises_at_its_end_harms_nobody(plant: Plant, story: Story) -> None:
    async def careless() -> AsyncIterator[int]:
        yield 1
        raise ValueError("at the end")

    async def work(ctx: Context) -> None: ...

    plant.serve(work)
    plant.start(lifespans=[Lifespan(story.client), Lifespan(careless)])
    assert plant.wait_for_end(plant.submit(work)) == "succeeded"
    plant.stop()
    assert story.told == ["client made", "client closed"]


def test_what_is_no_generator_or_wants_arguments_is_refused() -> None:
    async def returns() -> None: ...

    async def wants(url: str) -> AsyncIterator[str]:
        yield url

    before = list(LIFESPANS)
    with pytest.raises(TypeError, match="yield the resource once"):
        lifespan(returns)  # type: ignore[arg-type]  # the test's subject
    with pytest.raises(TypeError, match="takes no arguments"):
        lifespan(wants)  # type: ignore[arg-type]
    assert before == LIFESPANS
