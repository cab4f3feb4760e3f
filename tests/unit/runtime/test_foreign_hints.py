"""A hint for a task that its worker does not have is given back once, for another worker of the queue."""

import logging
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from bureau.contracts.ids import new_id
from bureau.messaging.broker import hint
from bureau.messaging.consumer import HintConsumer


@dataclass
class Channel:
    """Notes what was not acknowledged: each tag, and whether the message goes back to its queue."""

    refused: list[tuple[int, bool]] = field(default_factory=list)

    def basic_nack(self, tag: int, *, requeue: bool) -> None:
        self.refused.append((tag, requeue))


@pytest.fixture
def consumer() -> Any:
    """A consumer of `bulk` in a worker that has `shop.work`; it is connected to nothing."""
    made: Any = HintConsumer.__new__(HintConsumer)
    made.broker = SimpleNamespace(actors={"shop.work": object()})
    made.queue_name = "bulk"
    made.channel = Channel()
    made.logger = logging.getLogger("test")
    return made


def delivered(tag: int, *, redelivered: bool) -> Any:
    return SimpleNamespace(delivery_tag=tag, redelivered=redelivered)


def test_a_task_of_another_worker_is_given_back_once_and_then_dropped(consumer: Any) -> None:
    body = hint("bulk", "shop.other", new_id()).encode()
    assert consumer._hint(delivered(1, redelivered=False), body) is None
    assert consumer._hint(delivered(2, redelivered=True), body) is None
    assert consumer.channel.refused == [(1, True), (2, False)]


def test_what_is_no_hint_is_dropped_at_once(consumer: Any) -> None:
    assert consumer._hint(delivered(1, redelivered=False), b"hello") is None
    assert consumer.channel.refused == [(1, False)]


@pytest.mark.parametrize("redelivered", [False, True])
def test_a_task_of_this_worker_is_taken(consumer: Any, redelivered: bool) -> None:
    body = hint("bulk", "shop.work", new_id()).encode()
    assert consumer._hint(delivered(1, redelivered=redelivered), body).actor_name == "shop.work"
    assert consumer.channel.refused == []
