"""Whoever has the broker's password may write anything: it is dropped, and the same worker runs the hint behind it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pika
import pytest
from dramatiq.message import Message
from prometheus_client import REGISTRY

from bureau.contracts.ids import new_id
from bureau.ledger.db.database import Database
from bureau.ledger.jobs import cancel
from bureau.messaging.broker import hint
from bureau.messaging.consumer import read_hint
from tests.contract.broker.conftest import Brokers
from tests.contract.broker.station import Listener, Shop
from tests.support.waiting import until

Forge = Callable[[Message[Any]], bytes]


def changed(**fields: Any) -> Forge:
    """A hint with other fields, or without those that are `...`."""

    def forge(message: Message[Any]) -> bytes:
        whole = json.loads(message.encode()) | fields
        return json.dumps({name: value for name, value in whole.items() if value is not ...}).encode()

    return forge


FORGERIES: dict[str, Forge] = {
    "empty": lambda _: b"",
    "not JSON": lambda _: b"hello",
    "not UTF-8": lambda _: b"\xff\xfe\x00{",
    "cut off": lambda message: message.encode()[:-2],
    "a list": lambda message: b"[" + message.encode() + b"]",
    "null": lambda _: b"null",
    "a number": lambda _: b"1e999",
    "10,000 levels": lambda _: b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "5 MB": lambda _: b"[" + b"0," * 2_500_000 + b"0]",
    "a number of 10,000 digits": lambda message: message.encode()[:-1] + b',"x":' + b"9" * 10_000 + b"}",
    "options null": changed(options=None),
    "options a list": changed(options=[]),
    "an eta": changed(options={"eta": 4102444800000}),
    "an eta that is no number": changed(options={"eta": "tomorrow"}),
    "an unknown queue": changed(queue_name="elsewhere"),
    "a delay queue": changed(queue_name="shop.DQ"),
    "queue null": changed(queue_name=None),
    "actor null": changed(actor_name=None),
    "an unknown actor": changed(actor_name="shop.unknown"),
    "an actor of Python's": changed(actor_name="__class__"),
    "no arguments": changed(args=[]),
    "two arguments": changed(args=[str(new_id()), str(new_id())]),
    "an argument that is no id": changed(args=["../../etc/passwd"]),
    "an argument that is no text": changed(args=[{"$ref": "x"}]),
    "arguments null": changed(args=None),
    "arguments by name": changed(kwargs={"task_id": "x"}),
    "kwargs null": changed(kwargs=None),
    "no id": changed(message_id=...),
    "no options": changed(options=...),
    "a field too many": changed(extra=1),
    "a time that is no number": changed(message_timestamp="now"),
}


@pytest.fixture
def publish(rabbitmq_url: str) -> Callable[[str, bytes], None]:
    def send(queue: str, body: bytes) -> None:
        connection = pika.BlockingConnection(pika.URLParameters(rabbitmq_url))
        connection.channel().basic_publish(exchange="", routing_key=queue, body=body)
        connection.close()

    return send


def test_a_forged_message_is_dropped_and_the_next_hint_is_run(
    rabbitmq_url: str, a_broker: Brokers, queue: str, publish: Callable[[str, bytes], None]
) -> None:
    with Listener(a_broker(rabbitmq_url), queue) as listener:
        threads = [*listener.worker.workers, *listener.worker.consumers.values()]
        for what, forge in FORGERIES.items():
            forged, good = new_id(), new_id()
            publish(queue, forge(hint(queue, "shop.work", forged)))
            publish(queue, hint(queue, "shop.work", good).encode())
            listener.wait_for(good)
            assert str(forged) not in listener.called, what
            assert all(thread.is_alive() for thread in threads), what
        until(lambda: listener.broker.depth(queue) == 0, message="the dropped to be gone")
        assert [*listener.worker.workers, *listener.worker.consumers.values()] == threads


@pytest.mark.parametrize("what", [name for name in FORGERIES if "actor" not in name or name == "actor null"])
def test_the_shape_of_a_hint_is_checked_before_anybody_reads_it(what: str) -> None:
    assert not read_hint(FORGERIES[what](hint("shop", "shop.work", new_id())), "shop")


def test_a_hint_has_the_shape_of_one() -> None:
    assert read_hint(hint("shop", "shop.work", new_id()).encode(), "shop")
    assert not read_hint(hint("shop", "shop.work", new_id()).encode(), "mailer")
    assert read_hint(changed(options={"traceparent": "00-1-2-01"})(hint("shop", "shop.work", new_id())), "shop")


def test_ids_that_cannot_run_are_done_with_and_a_control_job_ends(shop: Shop) -> None:
    ended, cancelled, elsewhere, later = (
        shop.submit(),
        shop.submit(delay_seconds=60),
        shop.submit(queue="mailer"),
        shop.submit(delay_seconds=60),
    )
    shop.wait_for_end(ended)
    cancel.cancel(shop.book.db, cancelled, "ada")
    forged = [shop.book.task(job_id).id for job_id in (ended, cancelled, elsewhere, later)]
    waiting = shop.submit("a", "b", delay_seconds=60)
    forged += [new_id(), shop.book.task(waiting, "b").id]
    before = [shop.book.tasks(job_id) for job_id in (ended, cancelled, elsewhere, later, waiting)]
    for task_id in forged:
        for _ in range(3):
            shop.broker.enqueue(hint(shop.queue, f"{shop.queue}.work", task_id))
    control = shop.submit("a", "b", "c")
    assert shop.wait_for_end(control) == "succeeded"
    until(lambda: shop.broker.depth(shop.queue) == 0)
    assert [shop.book.tasks(job_id) for job_id in (ended, cancelled, elsewhere, later, waiting)] == before
    assert len(shop.ran) == 4


def test_a_hint_that_came_many_times_runs_its_task_once(shop: Shop) -> None:
    job_id = shop.submit(delay_seconds=60)
    task_id = shop.book.task(job_id).id
    shop.book.make_due(task_id)
    for _ in range(10):
        shop.broker.enqueue(hint(shop.queue, f"{shop.queue}.work", task_id))
    assert shop.wait_for_end(job_id) == "succeeded"
    until(lambda: shop.broker.depth(shop.queue) == 0)
    assert shop.ran == [task_id]


@pytest.fixture
def rabbit_shop(rabbitmq_url: str, a_broker: Brokers, queue: str, ledger: Database, tmp_path: Path) -> Iterator[Shop]:
    """A worker process on RabbitMQ, whatever other tests run on."""
    with Shop(a_broker(rabbitmq_url), queue, ledger, tmp_path) as process:
        yield process


def test_very_many_forged_hints_share_look_ups_and_real_ones_run_among_them(rabbit_shop: Shop) -> None:
    shop = rabbit_shop
    jobs = []
    for number in range(3_000):
        shop.broker.enqueue(hint(shop.queue, f"{shop.queue}.work", new_id()))
        if number % 1_000 == 500:
            jobs.append(shop.submit("a", "b"))
    shop.relay.wake()
    assert [shop.wait_for_end(job, 60) for job in jobs] == ["succeeded"] * 3
    until(lambda: shop.broker.depth(shop.queue) == 0, 60)
    claims = REGISTRY.get_sample_value("bureau_ledger_claim_duration_seconds_count", {"queue": shop.queue})
    assert claims is not None
    assert claims < 300  # each was a claim of its own, in a transaction


def test_hints_are_taken_as_before_once_good_ones_prevail(rabbit_shop: Shop) -> None:
    shop = rabbit_shop
    for _ in range(100):
        shop.broker.enqueue(hint(shop.queue, f"{shop.queue}.work", new_id()))
    stale = shop.broker.stale_hints(shop.queue)
    assert stale is not None
    until(lambda: stale.many, 30)
    jobs = [shop.submit() for _ in range(80)]
    shop.relay.wake()
    assert [shop.wait_for_end(job, 60) for job in jobs] == ["succeeded"] * 80
    until(lambda: not stale.many, 30)
    assert shop.wait_for_end(shop.submit("a", "b", "c")) == "succeeded"
