"""Gives the hints of some actors away before Dramatiq's worker threads get them."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from uuid import UUID

from dramatiq.broker import Consumer, MessageProxy
from dramatiq.errors import BrokerConnectionError

Take = Callable[[UUID, Callable[[], None]], None]
"""Takes a task's id, and what is called when its hint is done with. It must not block."""


class DivertingConsumer(Consumer):
    """Passes on all messages of a consumer but those of `diverted` actors, which it hands to their `Take`.

    They stay unacknowledged until they are done with, so the prefetch limits how many there are.
    """

    def __init__(self, inner: Consumer, diverted: Mapping[str, Take]) -> None:
        self._inner = inner
        self._diverted = diverted

    def __next__(self) -> MessageProxy | None:
        message = next(self._inner)
        take = self._diverted.get(message.actor_name) if message is not None else None
        if message is None or take is None:
            return message
        take(UUID(message.args[0]), partial(self._settle, message))
        return None

    def _settle(self, message: MessageProxy) -> None:
        with suppress(BrokerConnectionError):  # then it is delivered again, and claims nothing
            self._inner.ack(message)

    def ack(self, message: MessageProxy) -> None:
        self._inner.ack(message)

    def nack(self, message: MessageProxy) -> None:
        self._inner.nack(message)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        self._inner.requeue(messages)

    def close(self) -> None:
        self._inner.close()
