"""RabbitMQ in trouble: queues of another make, publishing while it is away, restarts, and a disk that was lost."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pika
import pytest
from dramatiq.errors import BrokerError, ConnectionClosed
from dramatiq.message import Message
from prometheus_client import REGISTRY

from bureau.contracts.ids import new_id
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.sql_time import later
from bureau.ledger.dispatch import hints, workers
from bureau.messaging.broker import QUEUE_ARGUMENTS, BrokerKind, HintBroker, QueueMismatch, hint
from bureau.messaging.relay import Relay
from tests.contract.broker.conftest import Brokers
from tests.contract.broker.station import Listener, Shop
from tests.contract.ledger.dispatch.test_workers import a_worker
from tests.support.ledger.book import Book, task
from tests.support.servers.rabbitmq import RabbitMQ
from tests.support.waiting import until


@pytest.fixture
def amqp(rabbitmq_url: str) -> Any:
    """A plain connection of somebody else's."""
    connection = pika.BlockingConnection(pika.URLParameters(rabbitmq_url))
    yield connection.channel()
    if connection.is_open:
        connection.close()


def rabbit(a_broker: Brokers, url: str) -> HintBroker:
    broker = a_broker(url)
    assert isinstance(broker, HintBroker)
    return broker


@pytest.mark.parametrize("arguments", [{}, {"x-queue-type": "quorum"}, {**QUEUE_ARGUMENTS, "x-max-length": 5}])
def test_a_queue_of_another_make_is_told_in_plain_words(
    rabbitmq_url: str, a_broker: Brokers, queue: str, amqp: Any, arguments: dict[str, Any]
) -> None:
    amqp.queue_declare(queue, durable=True, arguments=arguments)
    broker = rabbit(a_broker, rabbitmq_url)
    with pytest.raises(QueueMismatch) as mismatch:
        broker.consume(queue)
    assert queue in str(mismatch.value)
    assert "other arguments" in str(mismatch.value)
    assert f"rabbitmqctl delete_queue {queue}" in str(mismatch.value)


def test_a_worker_that_met_such_a_queue_works_once_it_was_deleted(
    rabbitmq_url: str,
    a_broker: Brokers,
    queue: str,
    amqp: Any,
    restarting_soon: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    amqp.queue_declare(queue, durable=True)
    with Listener(rabbit(a_broker, rabbitmq_url), queue) as listener:
        until(lambda: "other arguments" in caplog.text, message="the mismatch in the log")
        amqp.queue_delete(queue)

        def hinted_again() -> list[str]:
            """While the queue is being made RabbitMQ drops what comes; rows have it published again."""
            listener.broker.enqueue(hint(queue, "shop.work", new_id()))
            return listener.called

        until(hinted_again, message="a hint to arrive")


def test_a_queue_that_somebody_deletes_under_its_worker_is_made_again(
    rabbitmq_url: str, a_broker: Brokers, queue: str, amqp: Any, restarting_soon: None
) -> None:
    with Listener(rabbit(a_broker, rabbitmq_url), queue) as listener:
        until(lambda: listener.broker.depth(queue) is not None, message="the queue")
        amqp.queue_delete(queue)

        def hinted() -> list[str]:
            listener.broker.enqueue(hint(queue, "shop.work", new_id()))
            return listener.called

        until(hinted, message="a hint to arrive")
        assert listener.all_alive()


def test_a_publisher_counts_the_connections_it_made_anew(rabbitmq_url: str, a_broker: Brokers) -> None:
    def reconnects() -> float:
        return REGISTRY.get_sample_value("bureau_relay_reconnects_total") or 0.0

    broker, before = rabbit(a_broker, rabbitmq_url), reconnects()
    broker.ensure_open()
    broker.ensure_open()
    assert reconnects() == before  # the first is none
    broker.connection.close()
    broker.ensure_open()
    assert reconnects() == before + 1


def test_the_first_broker_address_that_answers_is_used(rabbitmq_url: str, a_broker: Brokers, queue: str) -> None:
    with Listener(rabbit(a_broker, f"amqp://nobody:x@127.0.0.1:9/;{rabbitmq_url}"), queue) as listener:
        task_id = new_id()
        listener.broker.enqueue(hint(queue, "shop.work", task_id))
        listener.wait_for(task_id)


def test_queues_are_of_limited_length_and_have_nothing_beside_them(
    rabbitmq_url: str, a_broker: Brokers, queue: str, amqp: Any
) -> None:
    with Listener(rabbit(a_broker, rabbitmq_url), queue) as listener:
        amqp.queue_declare(queue, durable=True, arguments=QUEUE_ARGUMENTS)  # refused where it differs
        assert [listener.broker.depth(f"{queue}.{suffix}") for suffix in ("DQ", "XQ")] == [None, None]


class Failing:
    """A publisher whose connection breaks at the nth message."""

    kind: BrokerKind = "amqp"

    def __init__(self, breaks_at: int) -> None:
        self.published: list[str] = []
        self._breaks_at = breaks_at

    def enqueue(self, message: Message[Any]) -> Message[Any]:
        if len(self.published) + 1 == self._breaks_at:
            raise ConnectionClosed(OSError("broken"))
        self.published.append(str(message.args[0]))
        return message

    def ensure_open(self) -> None: ...
    def depth(self, queue_name: str) -> int | None: ...
    def close_thread(self) -> None: ...


def relay_pass(relay: Relay) -> None:
    """One pass, for a live worker with room for a hundred hints."""
    workers.register(relay._db, a_worker("one", threads=50))
    relay._pass()


def test_hints_that_were_not_published_are_taken_back(ledger: Database) -> None:
    book, publisher = Book(ledger), Failing(breaks_at=3)
    job_id = book.submit(*(task(f"t{n}") for n in range(5)))
    with pytest.raises(BrokerError):
        relay_pass(Relay(ledger, publisher))
    stamped = {str(row.id): row.hints for row in book.tasks(job_id) if row.hinted_at is not None}
    assert stamped == dict.fromkeys(publisher.published, 1)
    again = Failing(breaks_at=0)
    relay_pass(Relay(ledger, again))
    assert sorted(publisher.published + again.published) == sorted(str(row.id) for row in book.tasks(job_id))


def test_hints_that_could_not_even_be_taken_back_come_again_as_lost_ones(
    ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Book(ledger)
    job_id = book.submit()

    def away(*_: Any) -> None:
        raise LedgerUnavailable("away")

    monkeypatch.setattr(hints, "unreserve", away)
    with pytest.raises(LedgerUnavailable):
        relay_pass(Relay(ledger, Failing(breaks_at=1)))
    assert book.task(job_id).hinted_at is not None
    book.set(book.task(job_id).id, hinted_at=later(-35))
    assert hints.requeue_lost(ledger, []) == 1


def test_no_hint_is_stamped_while_the_broker_is_unavailable(a_broker: Brokers, ledger: Database) -> None:
    book = Book(ledger)
    job_id = book.submit()
    with pytest.raises(ConnectionClosed):
        relay_pass(Relay(ledger, rabbit(a_broker, "amqp://nobody:x@127.0.0.1:9/")))
    assert book.task(job_id).hinted_at is None


def test_publishing_and_looking_while_the_broker_is_away_raise_the_same(a_broker: Brokers, queue: str) -> None:
    broker = rabbit(a_broker, "amqp://nobody:verysecret@127.0.0.1:9/")
    for attempt in (
        lambda: broker.enqueue(hint(queue, "shop.work", new_id())),
        broker.ensure_open,
        lambda: broker.depth(queue),
        lambda: broker.consume(queue),
    ):
        with pytest.raises(ConnectionClosed) as closed:
            attempt()
        assert "verysecret" not in repr(closed.value)


def test_a_restart_of_rabbitmq_costs_time_only(
    a_broker: Brokers, rabbitmq: RabbitMQ, queue: str, ledger: Database, tmp_path: Path, restarting_soon: None
) -> None:
    with Shop(rabbit(a_broker, rabbitmq.url), queue, ledger, tmp_path) as shop:
        assert shop.wait_for_end(shop.submit()) == "succeeded"
        publisher = rabbit(a_broker, rabbitmq.url)
        publisher.ensure_open()
        rabbitmq.stop()
        try:
            with pytest.raises(ConnectionClosed):
                _publish_until_refused(publisher, queue)
            during = shop.submit("a", "b")
            until(lambda: shop.relay.last_error is not None, message="the relay to notice")
            assert stamps_of(shop, during) == [None, None]
        finally:
            rabbitmq.start()
        assert shop.wait_for_end(during, 60) == "succeeded"
        until(lambda: shop.relay.last_error is None)
        publisher.ensure_open()
        assert publisher.depth(queue) is not None


def test_a_node_that_lost_its_disk_costs_time_only(
    a_broker: Brokers, rabbitmq: RabbitMQ, queue: str, ledger: Database, tmp_path: Path, restarting_soon: None
) -> None:
    """Its queue is gone and so is the hint in it: the consumer makes the queue again, the row its hint."""
    with Shop(rabbit(a_broker, rabbitmq.url), queue, ledger, tmp_path) as shop:
        assert shop.wait_for_end(shop.submit()) == "succeeded"
        lost = shop.submit(delay_seconds=3600)
        task_id = shop.book.task(lost).id
        shop.book.set(task_id, hinted_at=later(-35), hints=1)  # it was in the queue
        rabbitmq.wipe()
        shop.book.make_due(task_id)

        def time_goes_by() -> bool:
            """What is published before the queue is there again is lost as well, until the next time."""
            if shop.book.task(lost).state == "ready":
                shop.book.set(task_id, hinted_at=later(-65))
                hints.requeue_lost(ledger, [queue])
            return bool(shop.book.task(lost).state == "succeeded")

        until(time_goes_by, 60, lambda: f"the end of {shop.book.states(lost)}")
        assert shop.book.task(lost).claim_no == 1


def stamps_of(shop: Shop, job_id: UUID) -> list[Any]:
    return [row.hinted_at for row in shop.book.tasks(job_id)]


def _publish_until_refused(publisher: HintBroker, queue: str) -> None:
    """The first messages after a broken connection may vanish in its buffers."""
    for _ in range(100):
        publisher.enqueue(hint(queue, "shop.work", new_id()))
