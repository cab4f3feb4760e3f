"""Consumes hints: reads each message once, drops messages that are not hints, and acknowledges finished ones."""

import json
import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pika.exceptions
from dramatiq.brokers.rabbitmq import _RabbitmqConsumer, _RabbitmqMessage
from dramatiq.message import Message


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
    """

    def __init__(self, broker: Any, queue_name: str, prefetch: int, timeout: int) -> None:
        super().__init__(broker, queue_name, prefetch, timeout)  # type: ignore[no-untyped-call]  # Dramatiq's
        self.iterator = self._checked(self.iterator)
        self._acks = threading.Lock()
        self._done: list[int] = []  # tags to be acknowledged

    def ack(self, message: Any) -> None:
        try:
            self.known_tags.remove(message._tag)
        except KeyError:
            self.logger.warning("Failed to ack message: not in known tags.")
            return
        with self._acks:
            self._done.append(message._tag)
            if len(self._done) > 1:
                return  # the first one has woken the connection's thread
        try:
            self.connection.add_callback_threadsafe(self._acknowledge)
        except pika.exceptions.AMQPError as error:
            with self._acks:
                self._done.clear()  # RabbitMQ delivers them again
            raise self.broker.closed(error) from None

    def _acknowledge(self) -> None:
        """Sends the acknowledgements, in the thread that holds the connection."""
        with self._acks:
            done, self._done = sorted(self._done), []
        oldest = min(self.known_tags.copy(), default=None)
        together = [tag for tag in done if oldest is None or tag < oldest]
        if together:
            self.channel.basic_ack(together[-1], multiple=True)
        for tag in done[len(together) :]:
            self.channel.basic_ack(tag)

    def _checked(self, deliveries: Iterator[Any]) -> Iterator[Any]:
        for method, properties, body in deliveries:
            self.broker.turned(self.queue_name)
            message = None if method is None else self._hint(body)
            if method is not None and message is None:
                self.channel.basic_nack(method.delivery_tag, requeue=False)
                yield None, None, None
            else:
                yield method, properties, message

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
        self.known_tags.add(method.delivery_tag)
        return _RabbitmqMessage(method.redelivered, method.delivery_tag, message)

    def _hint(self, body: bytes) -> Message[Any] | None:
        """Returns the hint, or None to drop it. Dramatiq would drop one of an unknown actor too, with a traceback."""
        message = read_hint(body, self.queue_name)
        if message is None:
            self._log_dropped(f"is not a hint ({len(body)} bytes)")
        elif message.actor_name not in self.broker.actors:  # during an upgrade: the hint comes again from its row
            self._log_dropped(f"is for {message.actor_name[:100]!r}, which this worker does not have")
            return None
        return message

    def _log_dropped(self, why: str) -> None:
        self.logger.warning("Dropped a message on %r that %s.", self.queue_name, why)
