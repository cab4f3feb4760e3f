"""The relay: publishes hints for rows that are due. A thread of it runs in every process.

It is woken after each commit that made something due; the scheduler's also looks by itself, for what time made due.
"""

import time
from collections.abc import Sequence

from dramatiq.errors import BrokerError

from bureau.background_loop import Loop
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.dispatch import hints, workers
from bureau.ledger.dispatch.hints import Hint
from bureau.messaging.broker import BrokerKind, HintPublisher, hint
from bureau.metrics import relay as metrics

WINDOWS_SECONDS = 1.0  # how long the list of live queues is believed
LOOK_SECONDS = 10.0  # and its idle connection is serviced as often


class Relay:
    """`start`, `wake` and `stop` as any loop; `last_error` says why publishing does not work."""

    def __init__(self, db: Database, publisher: HintPublisher, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._db = db
        self._publisher = publisher
        self._look_seconds = look_seconds
        self._windows: dict[str, int] = {}
        self._windows_until = 0.0
        self._publishes = True
        self._loop = Loop("relay", self._pass, at_exit=publisher.close_thread)
        self.start, self.stop, self.wake = self._loop.start, self._loop.stop, self._loop.wake
        self.unhealthy_reason = self._loop.unhealthy_reason

    @property
    def broker_kind(self) -> BrokerKind:
        return self._publisher.kind

    @property
    def last_error(self) -> str | None:
        return self._loop.last_error

    @property
    def healthy(self) -> bool:
        """Whether the broker takes messages. A ledger that is away is no fault of the broker's."""
        return self._loop.alive and self._publishes

    def _pass(self) -> float:
        try:
            self._publisher.ensure_open()  # before anything is stamped
            self._publish_due()
        except LedgerUnavailable:
            self._publishes = True  # it was open
            raise
        except Exception:
            self._publishes = False
            raise
        self._publishes = True
        return self._look_seconds

    def _publish_due(self) -> None:
        windows = self._live_windows()
        for queue in hints.due_queues(self._db, list(windows)):
            batch = hints.reserve_due(self._db, queue, windows[queue])
            self._publish(queue, batch.hints)

    def _live_windows(self) -> dict[str, int]:
        if time.monotonic() >= self._windows_until:
            self._windows = {queue: live.window for queue, live in workers.served(self._db).items()}
            self._windows_until = time.monotonic() + WINDOWS_SECONDS
        return self._windows

    def _publish(self, queue: str, batch: Sequence[Hint]) -> None:
        for published, due in enumerate(batch):
            try:
                self._publisher.enqueue(hint(queue, due.run, due.task_id))
            except BrokerError:
                hints.unreserve(self._db, batch[published:])
                raise
            metrics.PUBLISHED.labels(queue).inc()
            if due.waited_seconds is not None:
                metrics.LAG_SECONDS.observe(due.waited_seconds)
        if batch:
            metrics.BATCH_SIZE.observe(len(batch))
