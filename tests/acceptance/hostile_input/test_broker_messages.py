"""Messages that anybody with the broker's password may publish: the row decides, so they change nothing."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from tests.support.running.stack import Stack
from tests.support.servers.postgres import connect
from tests.support.waiting import until

ADD = {"name": "add", "run": "shop.suma", "input": {"a": 2, "b": 2}}


@pytest.fixture
def channel(stack: Stack) -> Iterator[BlockingChannel]:
    connection = pika.BlockingConnection(pika.URLParameters(stack.env["BROKER_URL"]))
    yield connection.channel()
    connection.close()


def message(queue: str, actor: str, *args: Any, **fields: Any) -> bytes:
    """As the relay publishes it, but for `fields`."""
    written = {
        "queue_name": queue,
        "actor_name": actor,
        "args": list(args),
        "kwargs": {},
        "options": {},
        "message_id": str(uuid4()),
        "message_timestamp": 1_700_000_000_000,
    }
    return json.dumps({**written, **fields}).encode()


BROKEN = {
    "not JSON": b"\x00\xff not JSON",
    "nothing": b"",
    "a list": b"[]",
    "a number": b"5",
    "ten thousand levels": b"[" * 10_000,
    "half a megabyte": b'"' + b"x" * 500_000 + b'"',
    "no fields": b"{}",
    "options null": message("shop", "shop.suma", str(uuid4()), options=None),
    "options a list": message("shop", "shop.suma", str(uuid4()), options=[]),
    "args null": message("shop", "shop.suma", args=None),
    "kwargs null": message("shop", "shop.suma", str(uuid4()), kwargs=None),
    "one argument more": message("shop", "shop.suma", str(uuid4()), "more"),
    "an id that is none": message("shop", "shop.suma", "../../etc/passwd"),
    "an unknown queue": message("nowhere", "shop.suma", str(uuid4())),
    "another service's queue": message("mailer", "mailer.send", str(uuid4())),
    "no actor": message("shop", "shop.suma", str(uuid4()), actor_name=None),
    "a field more": message("shop", "shop.suma", str(uuid4()), eval="1"),
}


def test_a_message_that_is_not_a_hint_is_dropped_with_a_log_line(stack: Stack, channel: BlockingChannel) -> None:
    worker = stack.processes["shop"]
    before = worker.output().count("that is not a hint (")
    for body in BROKEN.values():
        channel.basic_publish("", "shop", body)
    until(lambda: worker.output().count("that is not a hint (") == before + len(BROKEN), 20, lambda: str(worker))
    assert stack.api.succeeded(stack.api.run(ADD))["tasks"][0]["result"] == 4
    assert waiting(channel, "shop") == 0


@pytest.mark.parametrize("actor", ["shop.nothing", "mailer.send", "__import__('os')"])
def test_an_actor_that_the_worker_lacks_is_named(stack: Stack, channel: BlockingChannel, actor: str) -> None:
    worker = stack.processes["shop"]
    channel.basic_publish("", "shop", message("shop", actor, str(uuid4())))
    said = f"Dropped a message on 'shop' that is for {actor!r}, which this worker does not have."
    until(lambda: json.dumps(said)[1:-1] in worker.output(), 20, lambda: str(worker))
    assert stack.api.succeeded(stack.api.run(ADD))["tasks"][0]["result"] == 4


def test_a_task_that_does_not_exist_or_has_ended_runs_for_nobody(stack: Stack, channel: BlockingChannel) -> None:
    ended = stack.api.succeeded(stack.api.run(ADD))
    task_id = task_id_of(stack, ended)
    for body in (message("shop", "shop.suma", str(uuid4())), *[message("shop", "shop.suma", task_id)] * 20):
        channel.basic_publish("", "shop", body)
    stack.api.succeeded(stack.api.run(ADD))
    assert stack.api.job(ended["id"]) == ended


def test_a_forged_hint_starts_nothing_before_its_time_or_twice(stack: Stack, channel: BlockingChannel) -> None:
    job = stack.api.run(ADD, delay_seconds=3600)
    task_id = task_id_of(stack, job)
    channel.basic_publish("", "shop", message("shop", "shop.suma", task_id))
    stack.api.succeeded(stack.api.run(ADD))
    assert stack.api.job(job["id"])["state"] == "scheduled"
    assert stack.api.client.post(f"/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelled"


def test_a_task_of_another_queue_or_actor_is_not_taken(stack: Stack, channel: BlockingChannel) -> None:
    with frozen(stack, "shop"):
        job = stack.api.run(ADD)
        task_id = task_id_of(stack, job)
        channel.basic_publish("", "mailer", message("mailer", "mailer.send", task_id))
        stack.api.succeeded(stack.api.submit("/v1/emails", json={"to": ["a@example.com"], "subject": "s", "text": "t"}))
        channel.basic_publish("", "shop", message("shop", "shop.initials", task_id))
        assert stack.api.job(job["id"])["state"] == "queued"
    ended = stack.api.succeeded(job)
    assert ended["tasks"][0]["result"] == 4
    assert len(ended["tasks"][0]["attempts"]) == 1


@contextmanager
def frozen(stack: Stack, name: str) -> Iterator[None]:
    """The worker stands still: what is its own stays unclaimed."""
    pids = [stack.processes[name].pid, *stack.processes[name].children()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def task_id_of(stack: Stack, job: dict[str, Any]) -> str:
    """The id of the job's only task, which the API does not show and a hint holds: from the ledger."""
    with connect(stack.env["DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT id FROM tasks WHERE job_id = %s", [job["id"]]).fetchall()
    ((task_id,),) = rows
    return str(task_id)


def waiting(channel: BlockingChannel, queue: str) -> int:
    return int(channel.queue_declare(queue, passive=True).method.message_count)
