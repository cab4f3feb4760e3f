"""Consumes hints: reads each message once, drops messages that are not hints, and acknowledges finished ones."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

import pika.exceptions
from dramatiq.brokers.rabbitmq import _RabbitmqConsumer, _RabbitmqMessage
from dramatiq.message import Message

from bureau.ledger.db.database import LedgerUnavailable
from bureau.messaging.stale_hints import StaleHints

Foretell = Callable[[Sequence[tuple[UUID, str]]], None]
"""Takes the hints that threads of this process get next: each a task's id and the actor. It must not block."""

BUSY_SECONDS = 0.05  # hints that come less than this after others
GATHER_SECONDS = 0.02  # wait this long for the next ones
WIDE = 500  # hints that are looked up at once


def read_hint(body: bytes, queue: str) -> Message[Any] | None:
    """Parses a message's body as a hint for this queue.

    Returns None for anything else, because anyone with a password may send messages.
    """
    try:
        match json.loads(body):
            case {
                "queue_name": str(named),
                "actor_name": str(),
                "args": [str(task_id)],
                "kwargs": {**kwargs},
                "options": {**options},
                "message_id": str(),
                "message_timestamp": int(),
            } as message if len(message) == 7:
                UUID(task_id)
                if named == queue and not kwargs and "eta" not in options:
                    return Message(**{**message, "args": (task_id,)})
    except (ValueError, RecursionError):
        return None
    return None


class HintConsumer(_RabbitmqConsumer):
    """Drops messages that are not hints before Dramatiq sees them, and groups acknowledgements.

    An acknowledgement wakes the thread that holds the connection, which is most of its cost. Acknowledgements that come
    before that thread runs are sent in one call, and if no older hint is still being processed, one frame covers them
    all.

    While many hints are stale, it takes more of them at once, looks all of them up in one statement, and drops those
    whose task is not ready.
    """

    def __init__(self, broker: Any, queue_name: str, prefetch: int, timeout: int) -> None:
        super().__init__(broker, queue_name, prefetch, timeout)  # type: ignore[no-untyped-call]  # Dramatiq's
        self._prefetch = prefetch
        self._inactivity_seconds = timeout / 1000
        self._source: Iterator[Any] = self.iterator
        self._is_wide = False
        self._stale: StaleHints | None = broker.stale_hints(queue_name)
        self._foretell: Foretell | None = broker.claimer(queue_name)
        self.iterator = self._checked()
        self._gathered_at = float("-inf")
        self._acks = threading.Lock()
        self._done: list[int] = []  # tags to be acknowledged

    def ack(self, message: Any) -> None:
        with self._acks:  # a tag is always in one of the two, or an acknowledgement of several could cover it twice
            try:
                self.known_tags.remove(message._tag)
            except KeyError:
                self.logger.warning("Failed to ack message: not in known tags.")
                return
            self._done.append(message._tag)
            if len(self._done) > 1:
                return  # the first one has woken the connection's thread
        try:
            self.connection.add_callback_threadsafe(self._acknowledge)
        except pika.exceptions.AMQPError as error:
            with self._acks:
                self._done.clear()  # RabbitMQ delivers them again
            raise self.broker.closed(error) from None

    def nack(self, message: Any) -> None:
        """Does the same as `ack`: the queue has no dead letters, so RabbitMQ drops the message in both cases."""
        self.ack(message)

    def _acknowledge(self, more: Sequence[int] = (), waiting: Sequence[int] = ()) -> None:
        """Sends the acknowledgements, in the thread that holds the connection.

        `more` are tags of messages that nobody processes, `waiting` those of messages that somebody will.
        """
        with self._acks:
            done, self._done = sorted([*self._done, *more]), []
            oldest = min((*self.known_tags, *waiting), default=None)
        together = [tag for tag in done if oldest is None or tag < oldest]
        if together:
            self.channel.basic_ack(together[-1], multiple=True)
        for tag in done[len(together) :]:
            self.channel.basic_ack(tag)

    def _checked(self) -> Iterator[Any]:
        while True:
            self._fit()
            method, properties, body = next(self._source)
            self.broker.turned(self.queue_name)
            message = None if method is None else self._hint(method, body)
            if method is not None and message is None:
                yield None, None, None
            elif message is None:
                yield method, properties, message
            else:
                arrived = self._gathered((method, properties, message))
                yield from self._ready(arrived) if self._is_wide else self._foretold(arrived)

    def _fit(self) -> None:
        """Subscribes again with a larger or smaller prefetch when stale hints become many or few.

        RabbitMQ keeps the prefetch that a subscription began with.
        """
        if self._stale is None or self._stale.many == self._is_wide:
            return
        self._is_wide = not self._is_wide
        self.logger.info("Stale hints on %r are %s.", self.queue_name, "many" if self._is_wide else "few again")
        self.channel.cancel()
        self.channel.basic_qos(prefetch_count=max(WIDE, self._prefetch) if self._is_wide else self._prefetch)
        self._source = self.channel.consume(self.queue_name, inactivity_timeout=self._inactivity_seconds)

    def _gathered(self, first: Any) -> list[Any]:
        """Returns a hint and those that arrive soon after it.

        While hints keep coming and few of this process's threads have one, it waits a moment for more: they are then
        claimed together, and their threads come together to all further steps.
        """
        arrived = [first, *self._arrived()]
        busy = time.monotonic() - self._gathered_at < BUSY_SECONDS
        if busy and 2 * (len(arrived) + len(self.known_tags)) < self._prefetch:
            time.sleep(GATHER_SECONDS)
            self.connection.process_data_events(0)
            arrived += self._arrived()
        self._gathered_at = time.monotonic()
        return arrived

    def _arrived(self) -> Iterator[Any]:
        """Takes the further hints that have arrived, without waiting for any."""
        for _ in range(self.channel.get_waiting_message_count()):
            method, properties, body = next(self._source)
            if message := self._hint(method, body):
                yield method, properties, message

    def _foretold(self, arrived: Sequence[Any]) -> Sequence[Any]:
        """Tells who claims for the queue which hints its threads are about to get. Returns the hints."""
        if self._foretell is not None and len(arrived) > 1:
            self._foretell([(UUID(message.args[0]), message.actor_name) for _, _, message in arrived])
        return arrived

    def _ready(self, arrived: Sequence[Any]) -> Iterator[Any]:
        """Yields the hints whose task is ready, and drops the others."""
        assert self._stale is not None  # noqa: S101 - it asked for this
        ids = [UUID(message.args[0]) for _, _, message in arrived]
        try:
            ready = set(self._stale.ready(ids))
        except LedgerUnavailable:
            ready = set(ids)  # the claim waits for the ledger
        good = [one for task_id, one in zip(ids, arrived, strict=True) if task_id in ready]
        stale = [one for task_id, one in zip(ids, arrived, strict=True) if task_id not in ready]
        self._acknowledge(
            [method.delivery_tag for method, _, _ in stale], [method.delivery_tag for method, _, _ in good]
        )
        self._stale.saw(stale=len(stale), good=len(good))
        yield from good or [(None, None, None)]

    def __next__(self) -> Any:
        """Does the same as Dramatiq's method, except that `_checked` has already parsed the message."""
        try:
            method, _, message = next(self.iterator)
        except (AssertionError, pika.exceptions.AMQPConnectionError, pika.exceptions.AMQPChannelError) as error:
            if getattr(error, "reply_code", None) == 404:  # the queue is gone: the next consumer declares it again
                self.broker.queues_pending.add(self.queue_name)
            raise self.broker.closed(error) from None
        if method is None:
            return None
        with self._acks:
            self.known_tags.add(method.delivery_tag)
        return _RabbitmqMessage(method.redelivered, method.delivery_tag, message)

    def _hint(self, method: Any, body: bytes) -> Message[Any] | None:
        """Returns the hint; None if it is none of this worker's, which is then settled.

        A hint for a task that this worker does not have, as during an upgrade, is given back once, for another worker
        of the queue. The second time it is dropped, because there may be no other, and comes again from its row.
        Dramatiq would drop it too, with a traceback.
        """
        message = read_hint(body, self.queue_name)
        if message is None:
            self._drop(method, f"is not a hint ({len(body)} bytes)")
        elif message.actor_name not in self.broker.actors:
            if not method.redelivered:
                self.channel.basic_nack(method.delivery_tag, requeue=True)
                return None
            self._drop(method, f"is for {message.actor_name[:100]!r}, which this worker does not have")
            return None
        return message

    def _drop(self, method: Any, why: str) -> None:
        self.channel.basic_nack(method.delivery_tag, requeue=False)
        self.logger.warning("Dropped a message on %r that %s.", self.queue_name, why)
