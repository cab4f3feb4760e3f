"""Buffers the events that the hub has found for one stream and the stream has not sent yet."""

from collections.abc import Sequence
from threading import Condition

from bureau.ledger.reads.event_history import Happened

HELD = 1000  # events; a stream whose client is slower than that starts over from the ledger, or ends


class Subscription:
    """Passes events from the hub to one stream.

    If they do not fit, they are dropped together with the buffer, and the stream is told.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._held: list[Happened] = []
        self._overflowed = False

    def put(self, found: Sequence[Happened]) -> None:
        with self._changed:
            if self._overflowed or len(self._held) + len(found) > HELD:
                self.overflow()
                return
            self._held += found
            self._changed.notify()

    def overflow(self) -> None:
        """Drops the buffer and records that events were dropped."""
        with self._changed:
            self._held, self._overflowed = [], True
            self._changed.notify()

    def take(self, seconds: float) -> list[Happened] | None:
        """Returns the events since the last call, waiting at most `seconds`; None if some were dropped."""
        with self._changed:
            self._changed.wait_for(lambda: self._held or self._overflowed, seconds)
            taken, self._held = self._held, []
            overflowed, self._overflowed = self._overflowed, False
            return None if overflowed else taken
