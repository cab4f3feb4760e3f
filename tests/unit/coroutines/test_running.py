"""`async def` tasks run beside each other and beside `def` tasks, with a Context of their own."""

import asyncio
import contextvars
import threading
from typing import Any
from uuid import UUID

import pytest

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.errors import PermanentError, TransientError
from bureau.contracts.jobs.states import When
from bureau.task import Context
from tests.support.ledger.book import task
from tests.support.waiting import until
from tests.unit.coroutines.conftest import Plant

letter: contextvars.ContextVar[str] = contextvars.ContextVar("letter", default="none")


async def twice(ctx: Context, n: int) -> int:
    """Doubles a number."""
    ctx.log(f"doubling {n}")
    ctx.progress(1, 2, "halves")
    await ctx.sleep(0.01)
    return 2 * n


def thrice(ctx: Context, n: int) -> int:
    """Triples a number."""
    return 3 * n


def test_an_async_task_runs_to_its_end_with_what_it_said(plant: Plant) -> None:
    row = plant.run(twice, n=4)
    assert (row.state, row.result, row.progress["current"]) == ("succeeded", 8, 1)
    assert "doubling 4" in str(plant.book.events(row.job_id))


def test_both_kinds_of_tasks_run_in_one_service_and_one_graph(plant: Plant) -> None:
    plant.serve(twice, thrice)
    plant.start()
    job_id = plant.book.submit(
        task("a", run="shop.twice", input={"n": 2}),
        task("b", "a", run="shop.thrice", input={"n": {"$result": "/a"}}),
        task("c", "b", run="shop.twice", input={"n": {"$result": "/b"}}),
    )
    assert plant.wait_for_end(job_id) == "succeeded"
    assert plant.book.task(job_id, "c").result == 24


def test_as_many_run_at_once_as_concurrency_allows_and_no_more(plant: Plant) -> None:
    running: set[UUID] = set()
    most = 0
    go_on = threading.Event()

    async def wait(ctx: Context) -> None:
        nonlocal most
        running.add(ctx.task_id)
        most = max(most, len(running))
        while not go_on.is_set():
            await ctx.sleep(0.01)
        running.discard(ctx.task_id)

    plant.serve(wait)
    plant.start(threads=1, concurrency=20)
    job_id = plant.submit(wait, 30)
    until(lambda: len(running) == 20, 30, lambda: f"{len(running)} run")
    states = list(plant.book.states(job_id).values())
    assert (states.count("running"), states.count("ready")) == (20, 10)
    go_on.set()
    assert plant.wait_for_end(job_id) == "succeeded"
    assert most == 20


def test_files_are_written_and_read_without_blocking_the_loop(plant: Plant) -> None:
    refs: list[ArtifactRef] = []

    async def copy(ctx: Context) -> list[int]:
        async with ctx.artifact("a.csv", "text/csv") as small:
            await small.write(b"a,b\n")
        async with ctx.artifact("b.bin", "application/octet-stream") as large:
            for _ in range(5):
                await large.write(bytes(50_000))
        refs.append(small.ref)
        async with ctx.open(large.ref) as found:
            beginning = await found.file.read(1000)
            rest = await found.file.read()
        return [small.size, large.size, len(beginning) + len(rest), found.size]

    row = plant.run(copy)
    assert row.result == [4, 250_000, 250_000, 250_000]
    assert plant.files(row.job_id) == ["a.csv", "b.bin"]


def test_a_file_of_a_block_that_raises_is_not_kept(plant: Plant) -> None:
    async def fail(ctx: Context) -> None:
        async with ctx.artifact("a.bin", "application/octet-stream") as file:
            await file.write(bytes(200_000))
            raise PermanentError("no", "No.")

    row = plant.run(fail)
    assert (row.state, row.error["code"]) == ("failed", "no")
    assert list(plant.storage.list("jobs")) == []


async def writes_as_threads_do(ctx: Context) -> None:
    with ctx.artifact("a.csv", "text/csv") as file:
        file.write(b"")


async def reads_as_threads_do(ctx: Context) -> None:
    with ctx.open(ArtifactRef(artifact=ctx.task_id)):
        pass


async def waits_as_threads_do(ctx: Context) -> None:
    ctx.stop.wait(60)


@pytest.mark.parametrize(
    ("function", "instead"),
    [
        (writes_as_threads_do, "async with ctx.artifact(…)"),
        (reads_as_threads_do, "async with ctx.open(…)"),
        (waits_as_threads_do, "await ctx.sleep(…)"),
    ],
)
def test_a_call_that_would_block_the_loop_fails_with_what_to_write_instead(
    plant: Plant, function: Any, instead: str
) -> None:
    row = plant.run(function)
    assert (row.state, row.error["code"]) == ("failed", "blocks_event_loop")
    assert instead in row.error["message"]


def test_a_library_that_blocks_runs_in_a_thread_with_the_same_context(plant: Plant) -> None:
    def in_a_thread(ctx: Context) -> str:
        ctx.log("from a thread")
        with ctx.artifact("a.txt", "text/plain") as file:
            file.write(b"from a thread")
        ctx.stop.wait(0.01)
        return letter.get()

    async def work(ctx: Context) -> str:
        letter.set("x")
        return await asyncio.to_thread(in_a_thread, ctx)

    row = plant.run(work)
    assert (row.state, row.result) == ("succeeded", "x")
    assert plant.files(row.job_id) == ["a.txt"]


def test_context_variables_belong_to_one_execution(plant: Plant) -> None:
    async def work(ctx: Context, own: str) -> list[str]:
        before = letter.get()
        letter.set(own)
        await ctx.sleep(0.05)
        child = asyncio.create_task(asyncio.sleep(0, letter.get()))
        return [before, letter.get(), await child]

    plant.serve(work)
    plant.start()
    jobs = {own: plant.submit(work, own=own) for own in ("a", "b", "c")}
    for own, job_id in jobs.items():
        plant.wait_for_end(job_id)
        assert plant.book.task(job_id).result == ["none", own, own]


def test_a_task_group_runs_inside_a_task_and_its_weightiest_error_decides(plant: Plant) -> None:
    async def part(n: int) -> int:
        await asyncio.sleep(0.01)
        return n

    async def refuse() -> None:
        raise PermanentError("refused", "The shop refused it.")

    async def stumble() -> None:
        raise TransientError("away", "The shop is away.")

    async def work(ctx: Context, fail: bool) -> int:
        async with asyncio.TaskGroup() as group:
            parts = [group.create_task(part(n)) for n in range(10)]
            if fail:
                group.create_task(stumble())
                group.create_task(refuse())
        return sum(part.result() for part in parts)

    plant.serve(work)
    plant.start()
    good, bad = plant.submit(work, fail=False), plant.submit(work, fail=True)
    assert (plant.wait_for_end(good), plant.wait_for_end(bad)) == ("succeeded", "failed")
    assert plant.book.task(good).result == 45
    assert plant.book.task(bad).error["code"] == "refused"


def test_an_exception_of_a_coroutine_decides_as_in_any_task(plant: Plant) -> None:
    calls: list[int] = []

    async def work(ctx: Context) -> str:
        calls.append(ctx.attempt)
        if ctx.attempt == 1:
            raise TransientError("away", "The shop is away.", retry_after=0.01)
        if ctx.attempt == 2:
            raise ValueError("a mistake")
        return "at last"

    plant.serve(work, base_seconds=0.01)
    plant.start()
    job_id = plant.submit(work)
    assert plant.wait_for_end(job_id) == "succeeded"
    assert calls == [1, 2, 3]
    assert plant.book.outcomes(job_id) == ["retry", "retry"]


def test_a_result_that_is_not_json_fails(plant: Plant) -> None:
    async def work(ctx: Context) -> float:
        return float("nan")

    row = plant.run(work)
    assert (row.state, row.error["code"]) == ("failed", "result_not_json")


def test_a_call_of_sys_exit_ends_its_task_and_no_other(plant: Plant) -> None:
    async def child() -> None:
        raise SystemExit(3)

    async def work(ctx: Context, leave: str) -> str:
        if leave == "at once":
            raise SystemExit(3)
        if leave == "in a child":
            await asyncio.create_task(child())
        return "stayed"

    plant.serve(work, max_attempts=1)
    plant.start()
    jobs = [plant.submit(work, leave=leave) for leave in ("at once", "in a child", "no")]
    assert [plant.wait_for_end(job_id) for job_id in jobs] == ["failed", "failed", "succeeded"]


def test_a_chain_goes_on_without_hints_while_there_is_room(plant: Plant) -> None:
    plant.serve(twice)
    names = [f"t{n}" for n in range(10)]
    job_id = plant.book.submit(
        *(task(name, last, run="shop.twice", input={"n": 1}) for last, name in zip(["", *names], names, strict=False))
    )
    plant.start(look_seconds=600)
    assert plant.wait_for_end(job_id) == "succeeded"
    assert [row.hints for row in plant.book.tasks(job_id)] == [1, *[0] * 9]


def test_a_join_fires_once_after_many_branches(plant: Plant) -> None:
    plant.serve(twice)
    plant.start()
    branches = [f"t{n}" for n in range(40)]
    job_id = plant.book.submit(
        *(task(name, run="shop.twice", input={"n": 1}) for name in branches),
        task("join", " ".join(branches), run="shop.twice", input={"n": 5}, when=When.SUCCEEDED),
    )
    assert plant.wait_for_end(job_id) == "succeeded"
    assert plant.book.task(job_id, "join").result == 10
    assert plant.book.task(job_id, "join").claim_no == 1
