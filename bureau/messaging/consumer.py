"""The consumer of hints: it reads each message once, drops what is no hint, and acknowledges what ended."""

import json
import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pika.exceptions
from dramatiq.brokers.rabbitmq import _RabbitmqConsumer, _RabbitmqMessage
from dramatiq.errors import ConnectionClosed
from dramatiq.message import Message


def read_hint(body: bytes, queue: str) -> Message[Any] | None:
    """The hint for this queue that a message's body is; None for anything else: whoever has a password may send one."""
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
    """Drops what is not a hint before Dramatiq looks at it, and acknowledges together what ended together.

    An acknowledgement wakes the thread that holds the connection, which is most of what it costs. Those that come
    before that thread has turned are sent by one call, and where no older hint is still at work one frame stands for
    them all.
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
                return  # whoever was first has woken the connection's thread
        try:
            self.connection.add_callback_threadsafe(self._acknowledge)
        except pika.exceptions.AMQPError as error:
            with self._acks:
                self._done.clear()  # they are delivered again
            raise ConnectionClosed(error) from None

    def _acknowledge(self) -> None:
        """In the thread that holds the connection."""
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
        """As Dramatiq's own, but for the message: `_checked` has read it."""
        try:
            method, _, message = next(self.iterator)
        except (AssertionError, pika.exceptions.AMQPConnectionError, pika.exceptions.AMQPChannelError) as error:
            if getattr(error, "reply_code", None) == 404:  # the queue is gone: the next consumer declares it again
                self.broker.queues_pending.add(self.queue_name)
            raise ConnectionClosed(error) from None
        if method is None:
            return None
        self.known_tags.add(method.delivery_tag)
        return _RabbitmqMessage(method.redelivered, method.delivery_tag, message)

    def _hint(self, body: bytes) -> Message[Any] | None:
        """The hint; None where it is dropped. Dramatiq would drop one for an unknown actor too, with a traceback."""
        message = read_hint(body, self.queue_name)
        if message is None:
            self._say_dropped(f"is no hint ({len(body)} bytes)")
        elif message.actor_name not in self.broker.actors:  # an upgrade under way: the hint comes again from its row
            self._say_dropped(f"is for {message.actor_name[:100]!r}, which this worker does not have")
            return None
        return message

    def _say_dropped(self, why: str) -> None:
        self.logger.warning("Dropped a message on %r that %s.", self.queue_name, why)
