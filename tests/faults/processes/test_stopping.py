"""SIGTERM to each process: what runs ends within the grace or is handed back, what was accepted is answered."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pika
import pytest

from tests.support.faults.patience import in_force
from tests.support.faults.rounds import World
from tests.support.waiting import until

GRACE_SECONDS = 5.0  # as in conftest's settings
READY = "SELECT count(*) FROM tasks WHERE state = 'ready' AND queue = 'chaos'"
pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]


def test_a_worker_ends_what_is_short_and_hands_back_what_is_long(world: World) -> None:
    short, long = (submit(world, seconds) for seconds in (2.0, 60.0))
    for job in (short, long):
        until(lambda job=job: world.bureau.api.job(job["id"])["state"] == "running", 30, "it runs")  # type: ignore[misc]
    began = time.monotonic()
    world.bureau.stop("chaos")
    took = time.monotonic() - began
    ended = world.bureau.api.job(short["id"])
    handed_back = world.bureau.api.job(long["id"])
    world.bureau.start("chaos")
    assert ended["state"] == "succeeded"
    assert GRACE_SECONDS - 1 < took < GRACE_SECONDS + 12
    (attempt,) = handed_back["tasks"][0]["attempts"]
    assert attempt["error"] is None
    assert world.books.recorded([long["id"]]) == {"handed_back": 1}
    assert handed_back["tasks"][0]["attempt"] == 1, "it was not counted"
    assert world.bureau.info("chaos")["exitstatus"] == 0
    world.bureau.serving()
    until(lambda: world.bureau.api.job(long["id"])["state"] == "running", 60, "it runs again")
    world.bureau.api.client.post(f"/v1/jobs/{long['id']}/cancel")
    assert world.bureau.api.ended(long)["state"] == "cancelled"


def test_hints_in_a_stopping_worker_s_hands_come_again_at_once(world: World) -> None:
    jobs = [submit(world, 0.5) for _ in range(60)]
    until(lambda: world.bureau.api.job(jobs[0]["id"])["state"] != "queued", 30, "work has begun")
    world.bureau.stop("chaos")
    soon = in_force("bureau.ledger.jobs.retry_policy:HINT_AGAIN_SECONDS") * 0.75  # one that was lost comes later
    until(lambda: hints_in(world) >= world.books.one(READY), soon, lambda: f"a hint for each task: {hints_in(world)}")
    world.bureau.start("chaos")
    world.bureau.serving()
    for job in jobs:
        world.bureau.api.succeeded(job, 60)


def test_the_gateway_answers_what_it_accepted(world: World) -> None:
    """Requests that wait are answered at once, with the job as it is."""
    url = f"{world.bureau.api.url}/v1/jobs"
    body = {"tasks": [{"name": "only", "run": "chaos.work", "input": {"number": 1, "seconds": 20}}]}

    def waiting() -> httpx.Response:
        return httpx.post(url, json=body, headers={"Prefer": "wait=25"}, timeout=60)

    before = world.books.one("SELECT count(*) FROM jobs")
    with ThreadPoolExecutor(10) as pool:
        answers = [pool.submit(waiting) for _ in range(10)]
        until(lambda: world.books.one("SELECT count(*) FROM jobs") == before + 10, 30, "all were accepted")
        began = time.monotonic()
        world.bureau.stop("gateway")
        statuses = [answer.result().status_code for answer in answers]
    took = time.monotonic() - began
    world.bureau.start("gateway")
    world.bureau.serving()
    assert statuses == [202] * 10
    assert took < GRACE_SECONDS + 5
    for answer in answers:
        world.bureau.api.client.post(f"/v1/jobs/{answer.result().json()['id']}/cancel")


@pytest.mark.parametrize("program", ["scheduler", "mailer", "gateway"])
def test_an_idle_process_stops_soon(world: World, program: str) -> None:
    began = time.monotonic()
    world.bureau.stop(program)
    took = time.monotonic() - began
    status = world.bureau.info(program)["exitstatus"]
    world.bureau.start(program)
    world.bureau.serving()
    assert status == 0
    assert took < 12


def test_a_second_sigterm_is_immediate(world: World) -> None:
    """With a task in its hands that would take the whole grace."""
    job = submit(world, 60.0)
    until(lambda: world.bureau.api.job(job["id"])["state"] == "running", 30, "it runs")
    parent = world.bureau.pid("chaos")
    world.bureau.begin_stop("chaos")
    world.bureau.wait_for_line("chaos", "Stopping worker process", 10, after=0)
    began = time.monotonic()
    os.kill(parent, signal.SIGTERM)
    until(lambda: not Path(f"/proc/{parent}").exists(), 20, "it is gone")
    took = time.monotonic() - began
    world.bureau.start("chaos")
    world.bureau.serving()
    world.bureau.api.client.post(f"/v1/jobs/{job['id']}/cancel")
    assert took < GRACE_SECONDS - 1
    assert world.bureau.api.ended(job, 90)["state"] == "cancelled"


def test_the_scheduler_s_second_sigterm_is_immediate(world: World) -> None:
    """While its first stop waits for a loop that hangs."""
    world.bureau.failpoints.arm("scheduler", "wake", "freeze")
    pid = world.bureau.pid("scheduler")
    world.bureau.begin_stop("scheduler")
    os.kill(pid, signal.SIGTERM)
    until(lambda: not Path(f"/proc/{pid}").exists(), 5, "it is gone")
    world.bureau.failpoints.disarm_all()
    world.bureau.start("scheduler")


def test_requests_keep_coming_while_the_gateway_is_replaced(world: World) -> None:
    """None that was taken is lost: it is answered, or its connection was refused before it was sent."""
    stopping, broken = threading.Event(), []
    counted = {"answered": 0, "refused": 0}

    def ask() -> None:
        while not stopping.is_set():
            try:
                answer = httpx.get(f"{world.bureau.api.url}/v1/jobs?limit=1", timeout=30)
                counted["answered"] += answer.status_code == 200
                if answer.status_code >= 500:
                    broken.append(str(answer.status_code))
            except httpx.ConnectError:
                counted["refused"] += 1
                stopping.wait(0.05)
            except httpx.TransportError as error:
                broken.append(repr(error))

    asking = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
    for thread in asking:
        thread.start()
    until(lambda: counted["answered"] > 20, 30, "requests are answered")
    world.bureau.stop("gateway")
    world.bureau.start("gateway")
    world.bureau.serving()
    stopping.set()
    for thread in asking:
        thread.join(30)
    assert not broken, (broken, counted)


def hints_in(world: World) -> int:
    """Those that wait in the queue, and are in nobody's hands."""
    connection = pika.BlockingConnection(pika.URLParameters(world.bureau.broker_url))
    try:
        return int(connection.channel().queue_declare("chaos", passive=True).method.message_count)
    finally:
        connection.close()


def submit(world: World, seconds: float) -> dict[str, Any]:
    task = {"name": "only", "run": "chaos.work", "input": {"number": 1, "seconds": seconds}}
    return world.bureau.api.run(task)
