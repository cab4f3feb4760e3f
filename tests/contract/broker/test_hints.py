"""Hints over every broker: published, they wake an actor; what happens to one of them harms no other."""

from pathlib import Path
from uuid import UUID

import pytest
from dramatiq.errors import BrokerError
from dramatiq.message import Message

from bureau.contracts.ids import new_id
from bureau.ledger.db.database import Database
from bureau.messaging.broker import HintBroker, hint
from tests.contract.broker.conftest import Brokers
from tests.contract.broker.station import Listener, Shop
from tests.support.together import together
from tests.support.waiting import until


def test_a_hint_wakes_its_actor(listener: Listener) -> None:
    task_id = new_id()
    listener.broker.enqueue(hint(listener.queue, "shop.work", task_id))
    listener.wait_for(task_id)
    assert listener.called == [str(task_id)]


def test_a_hint_holds_the_tasks_id_and_nothing_else(queue: str) -> None:
    task_id = new_id()
    message = hint(queue, "shop.work", task_id)
    assert (message.args, message.kwargs, message.options) == ((str(task_id),), {}, {})


def test_many_hints_arrive_once_each(listener: Listener) -> None:
    ids = [new_id() for _ in range(300)]
    for task_id in ids:
        listener.broker.enqueue(hint(listener.queue, "shop.work", task_id))
    listener.wait_for(*ids)
    assert sorted(listener.called) == sorted(str(task_id) for task_id in ids)
    until(lambda: listener.broker.depth(listener.queue) == 0)


def test_several_threads_publish_at_once(listener: Listener) -> None:
    ids = [[new_id() for _ in range(20)] for _ in range(4)]

    def publish(number: int) -> None:
        for task_id in ids[number]:
            listener.broker.enqueue(hint(listener.queue, "shop.work", task_id))
        listener.wait_for(*ids[number])  # a channel that closes at once may take unconfirmed messages with it
        listener.broker.close_thread()

    together(4, publish)
    assert len(listener.called) == 80


def test_an_actor_that_raises_keeps_no_other_hint_from_its_turn(listener: Listener) -> None:
    after = [new_id() for _ in range(5)]
    for task_id in (UUID(int=0), *after):
        listener.broker.enqueue(hint(listener.queue, "shop.work", task_id))
    listener.wait_for(*after)
    assert listener.called.count(str(UUID(int=0))) == 1
    assert listener.all_alive()


def test_a_hint_for_an_actor_the_worker_lacks_is_rejected_and_the_next_runs(listener: Listener) -> None:
    after = new_id()
    listener.broker.enqueue(hint(listener.queue, "shop.unknown", new_id()))
    listener.broker.enqueue(hint(listener.queue, "shop.work", after))
    listener.wait_for(after)
    assert listener.called == [str(after)]
    assert listener.all_alive()
    until(lambda: listener.broker.depth(listener.queue) == 0)


def test_the_depth_of_a_queue_is_what_waits_in_it(broker_url: str, a_broker: Brokers, queue: str) -> None:
    broker = a_broker(broker_url)
    assert broker.depth(queue) is None
    with Listener(broker, queue):
        pass
    assert broker.depth(queue) == 0
    for _ in range(3):
        broker.enqueue(hint(queue, "shop.work", new_id()))
    until(lambda: broker.depth(queue) == 3)


def test_a_queue_that_is_not_there_harms_no_other(listener: Listener) -> None:
    after = new_id()
    try:
        listener.broker.enqueue(hint(f"{listener.queue}missing", "shop.work", new_id()))
    except BrokerError:
        assert not isinstance(listener.broker, HintBroker)  # memory knows at once, RabbitMQ drops it silently
    assert listener.broker.depth(f"{listener.queue}missing") is None
    listener.broker.enqueue(hint(listener.queue, "shop.work", after))
    listener.wait_for(after)


def test_a_thread_may_open_and_close_as_often_as_it_likes(listener: Listener) -> None:
    for _ in range(3):
        task_id = new_id()
        listener.broker.ensure_open()
        listener.broker.ensure_open()
        listener.broker.enqueue(hint(listener.queue, "shop.work", task_id))
        listener.broker.close_thread()
        listener.broker.close_thread()
        listener.wait_for(task_id)


def test_a_worker_that_listens_is_not_wrong(listener: Listener) -> None:
    assert listener.broker.unhealthy_reason() is None


def test_rabbitmq_publishes_no_delays(a_broker: Brokers, queue: str) -> None:
    broker = a_broker("amqp://nobody:x@127.0.0.1:9/")
    message: Message[None] = hint(queue, "shop.work", new_id())
    with pytest.raises(ValueError, match="due_at"):
        broker.enqueue(message, delay=1000)


def test_making_a_broker_connects_nowhere(a_broker: Brokers) -> None:
    a_broker("amqp://nobody:x@127.0.0.1:9/")


def test_waiting_tasks_run_as_soon_as_the_first_worker_announces_itself(
    broker_url: str, a_broker: Brokers, queue: str, ledger: Database, tmp_path: Path
) -> None:
    """Relays publish from then on, and RabbitMQ drops silently what comes before the queue is there."""
    shop = Shop(a_broker(broker_url), queue, ledger, tmp_path)
    waiting = [shop.submit() for _ in range(4)]
    shop.announce()
    until(lambda: all(shop.book.task(job_id).hinted_at for job_id in waiting), message="the hints")
    shop.consume()
    assert [shop.wait_for_end(job_id, 20) for job_id in waiting] == ["succeeded"] * 4
    shop.__exit__()
