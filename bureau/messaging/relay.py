"""Publishes hints for due rows: the rows are a transactional outbox. Each process runs a relay in a thread.

A relay is woken after each commit that made a task due; the scheduler's also polls, for tasks that time made due.
Hints that were stamped when their task was inserted are handed to it, and published without a look at the ledger.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from dramatiq.errors import BrokerError

from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.dispatch import hints, workers
from bureau.ledger.dispatch.hints import Hint
from bureau.messaging.broker import BrokerKind, HintPublisher, hint
from bureau.messaging.served_runs import ServedRuns
from bureau.metrics import relay as metrics
from bureau.process.background_loop import Loop

WINDOWS_SECONDS = 1.0  # how long the list of live queues is cached
LOOK_SECONDS = 10.0  # the idle connection is serviced in the same interval
OPEN_SECONDS = 1.0  # how long an open channel is taken as open, for hints that are stamped already
BUSY_SECONDS = 0.02  # hints handed over less than this after other hints
GATHER_SECONDS = 0.003  # wait this long for the next ones, so that the thread publishes all in one turn


class Relay:
    """Runs as a loop with `start`, `wake` and `stop`; `last_error` says why publishing fails."""

    def __init__(
        self,
        db: Database,
        publisher: HintPublisher,
        *,
        look_seconds: float = LOOK_SECONDS,
        spacing_seconds: float = 0.0,
    ) -> None:
        """Makes a relay that waits at least `spacing_seconds` between two looks at the ledger.

        The spacing is for a process that only inserts, and is woken faster than windows empty.
        """
        self._db = db
        self._publisher = publisher
        self._look_seconds = look_seconds
        self._spacing_seconds = spacing_seconds
        self._looked_at = float("-inf")
        self._woken = True
        self._open_at = float("-inf")
        self._published_at = float("-inf")
        self._handed: deque[tuple[str, Hint]] = deque()
        self._deferred: deque[Callable[[], None]] = deque()
        self._served = ServedRuns(db)
        self._windows: dict[str, int] = {}
        self._windows_until = 0.0
        self._publishes = True
        self._loop = Loop("relay", self._pass, at_exit=self._leave)
        self.start, self.stop = self._loop.start, self._loop.stop
        self.unhealthy_reason = self._loop.unhealthy_reason

    @property
    def broker_kind(self) -> BrokerKind:
        return self._publisher.kind

    @property
    def last_error(self) -> str | None:
        return self._loop.last_error

    @property
    def healthy(self) -> bool:
        """Returns whether the broker accepts messages. An outage of the ledger does not count as one of the broker."""
        return self._loop.alive and self._publishes

    def wake(self) -> None:
        """Looks at the ledger at once, or as soon as the spacing allows, because a task became due."""
        self._woken = True
        self._loop.wake()

    def publish(self, stamped: Iterable[tuple[str, Hint]]) -> None:
        """Takes over hints with committed stamps, each with its queue, and publishes them at once.

        If publishing fails, their stamps are taken back; if the process dies first, they count as lost hints.
        """
        self._handed.extend(stamped)
        self._loop.wake()

    def defer(self, action: Callable[[], None]) -> None:
        """Calls `action`, which raises nothing, in the relay's thread: after the hints that were handed over."""
        self._deferred.append(action)
        self._loop.wake()

    def _pass(self) -> float:
        try:
            self._publish_handed()
            while self._deferred:
                self._deferred.popleft()()
            pause = self._until_look()
            if pause <= 0:
                self._ensure_open()  # before tasks are stamped
                pause = self._look()
        except LedgerUnavailable:
            self._publishes = True  # the broker was open
            raise
        except Exception:
            self._publishes = False
            self._open_at = float("-inf")
            self._woken = True  # look again once the broker is back
            self._unreserve_handed()
            raise
        self._publishes = True
        return pause

    def _leave(self) -> None:
        """Publishes the hints handed over last, at the end of the thread."""
        try:
            if self._handed:
                self._publisher.ensure_open()
                self._publish_handed()
        except (BrokerError, LedgerUnavailable):
            self._unreserve_handed()
        finally:
            self._publisher.close_thread()

    def _ensure_open(self) -> None:
        self._publisher.ensure_open()
        self._open_at = time.monotonic()

    def _until_look(self) -> float:
        """Returns the seconds until the next look at the ledger."""
        pause = self._spacing_seconds if self._woken else self._look_seconds
        return pause - (time.monotonic() - self._looked_at)

    def _look(self) -> float:
        """Publishes due tasks. Returns the seconds until the next look."""
        self._woken = False
        try:
            self._publish_due()
        except BaseException:
            self._woken = True
            raise
        self._looked_at = time.monotonic()
        return self._look_seconds

    def _publish_due(self) -> None:
        windows = self._live_windows()
        for queue in hints.due_queues(self._db, list(windows)):
            batch = hints.reserve_due(self._db, queue, windows[queue], self._served.runs(queue))
            self._publish(queue, batch.hints)

    def _publish_handed(self) -> None:
        if not self._handed:
            return
        if time.monotonic() - self._open_at >= OPEN_SECONDS:
            self._ensure_open()
        if time.monotonic() - self._published_at < BUSY_SECONDS:
            time.sleep(GATHER_SECONDS)
        self._published_at = time.monotonic()
        by_queue: dict[str, list[Hint]] = {}
        for queue, due in self._take_handed():
            by_queue.setdefault(queue, []).append(due)
        while by_queue:
            queue, batch = by_queue.popitem()
            try:
                self._publish(queue, batch)
            except BaseException:
                self._handed.extend((other, due) for other, dues in by_queue.items() for due in dues)
                raise

    def _take_handed(self) -> list[tuple[str, Hint]]:
        return [self._handed.popleft() for _ in range(len(self._handed))]

    def _unreserve_handed(self) -> None:
        """Takes back the stamps of handed hints while the broker is away, so that they are published afterwards."""
        handed = self._take_handed()
        try:
            hints.unreserve(self._db, [due for _, due in handed])
        except LedgerUnavailable:
            self._handed.extend(handed)  # the next pass tries again

    def _live_windows(self) -> dict[str, int]:
        if time.monotonic() >= self._windows_until:
            live = workers.served(self._db)
            self._served.update(live)
            self._windows = {queue: one.window for queue, one in live.items()}
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
