"""Hooks of a process and of its async tasks; those of examples/sentry, with the real SDK and a server."""

import gzip
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk

from bureau.process.hooks import HOOKS, TaskRun, on
from bureau.task import Context
from tests.support.hooked import hooks_aside, noted
from tests.support.ledger.book import task
from tests.support.servers.http_servers import HttpServer, http_server, replies
from tests.support.waiting import until
from tests.unit.coroutines.conftest import Plant

with hooks_aside():  # or its hooks would be told of the tasks of all other tests
    from examples.sentry import monitoring
    from examples.sentry.tasks import divide, find


@pytest.fixture(autouse=True)
def aside() -> Iterator[None]:
    with hooks_aside():
        yield


def test_an_async_task_is_told_of_in_threads_after_its_end_was_written(plant: Plant) -> None:
    told = noted()
    seen: list[tuple[str, str]] = []

    @on("started", "succeeded", "ended")
    def look(run: TaskRun) -> None:
        seen.append((plant.book.task(run.job_id).state, threading.current_thread().name))

    async def work(ctx: Context) -> str:
        await ctx.sleep(0)
        return "done"

    assert plant.run(work).result == "done"
    until(lambda: len(told) == 3, 30)
    assert [moment for moment, _ in told] == ["started", "succeeded", "ended"]
    assert [state for state, _ in seen] == ["running", "succeeded", "succeeded"]
    assert "event loop" not in {thread for _, thread in seen}


def test_a_stopping_process_waits_for_the_hooks_of_its_last_tasks(plant: Plant) -> None:
    go_on, ended = threading.Event(), threading.Event()

    @on("succeeded")
    def slow(run: TaskRun) -> None:
        go_on.wait(30)
        ended.set()

    async def work(ctx: Context) -> None:
        await ctx.sleep(0)

    plant.serve(work)
    plant.start(grace_seconds=20)
    plant.wait_for_end(plant.submit(work))
    threading.Timer(0.2, go_on.set).start()
    plant.stop()
    assert ended.is_set()


def test_a_broken_hook_of_a_process_or_an_async_task_changes_nothing(plant: Plant) -> None:
    @on("process_started", "process_stopping")
    def broken() -> None:
        raise ValueError("broken hook")

    @on("started", "succeeded", "ended")
    def broken_too(run: TaskRun) -> None:
        raise SystemExit(3)

    async def work(ctx: Context) -> str:
        return "done"

    assert plant.run(work).result == "done"
    plant.stop()


def test_a_process_is_told_of_before_its_first_task_and_after_its_last(plant: Plant) -> None:
    story: list[str] = []
    on("process_started")(lambda: story.append("process started"))
    on("started", "ended")(lambda run: story.append(run.run))
    on("process_stopping")(lambda: story.append("process stopping"))

    def work(ctx: Context) -> None:
        story.append("works")

    plant.run(work)
    plant.stop()
    assert story == ["process started", "shop.work", "works", "shop.work", "process stopping"]


@pytest.fixture
def sentry(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpServer]:
    """The example's hooks, and a server that they report to."""
    HOOKS.add(["process_started"], monitoring.connect)
    HOOKS.add(["failed"], monitoring.report_failure)
    HOOKS.add(["retried"], monitoring.report_retry)
    HOOKS.add(["process_stopping"], monitoring.send_the_last)
    with http_server(replies(200, b"{}")) as server:
        monkeypatch.setenv("SENTRY_DSN", server.url.replace("://", "://key@") + "/1")
        yield server
        sentry_sdk.get_client().close(timeout=0)
        sentry_sdk.init()  # sends nothing


def reported(server: HttpServer) -> list[dict[str, Any]]:
    """The events that the server was sent."""
    events = []
    for request in server.requests:
        zipped = request.headers.get("Content-Encoding") == "gzip"
        lines = (gzip.decompress(request.body) if zipped else request.body).splitlines()
        for header, payload in zip(lines[1::2], lines[2::2], strict=False):
            if json.loads(header).get("type") == "event":
                events.append(json.loads(payload))
    return events


def test_sentry_is_told_what_tasks_raise(plant: Plant, sentry: HttpServer) -> None:
    plant.tasks |= {one.name: one for one in (divide, find)}
    plant.start(threads=1)
    divided = plant.book.submit(task(run="watched.divide", input={"a": 1, "b": 0}, retry=divide.description.retry))
    found = plant.book.submit(task(run="watched.find", input={"customer": 7}))
    assert [plant.wait_for_end(job) for job in (divided, found)] == ["failed", "failed"]
    plant.stop()  # sends the last
    events = {(event["transaction"], event["level"]): event for event in reported(sentry)}
    assert set(events) == {("watched.divide", "warning"), ("watched.divide", "error"), ("watched.find", "error")}
    failure = events["watched.divide", "error"]
    error = failure["exception"]["values"][-1]
    assert (error["type"], error["value"]) == ("ZeroDivisionError", "division by zero")
    assert error["stacktrace"]["frames"][-1]["function"] == "divide"
    assert failure["contexts"]["job"] == {"id": str(divided), "task": "only", "attempt": 2}
    assert failure["tags"]["queue"] == "shop"
    assert events["watched.find", "error"]["exception"]["values"][-1]["type"] == "PermanentError"
