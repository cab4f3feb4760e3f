"""Collects gauges from the ledger when Prometheus scrapes. The scheduler serves them; several all serve the same."""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.reads.queue_stats import QueueSurvey, survey

CACHE_SECONDS = 5.0
TIMEOUT_SECONDS = 5.0

LOST_ATTEMPTS = Counter(
    "bureau_ledger_lost_attempts", "Executions whose lease expired because their worker stopped renewing it."
)
LOST_HINTS = Counter("bureau_ledger_lost_hints", "Hints that were published again because no worker claimed them.")


class LedgerCollector(Collector):
    """Yields gauges by queue from one query. It caches the answer for a few seconds, however often it is scraped."""

    def __init__(self, db: Database) -> None:
        self._db = db.with_timeout(TIMEOUT_SECONDS)
        self._lock = threading.Lock()
        self._queues: Sequence[QueueSurvey] | None = None
        self._until = 0.0

    def describe(self) -> Iterable[Metric]:
        """Returns nothing, so that registering the collector does not query the ledger."""
        return []

    def collect(self) -> Iterator[Metric]:
        queues = self._cached_survey()
        yield GaugeMetricFamily(
            "bureau_ledger_up", "1 if the ledger answered, else 0.", value=float(queues is not None)
        )
        yield from _families(queues or ())

    def close(self) -> None:
        self._db.close()

    def _cached_survey(self) -> Sequence[QueueSurvey] | None:
        with self._lock:
            if time.monotonic() >= self._until:
                try:
                    self._queues = survey(self._db)
                except LedgerUnavailable:
                    self._queues = None
                self._until = time.monotonic() + CACHE_SECONDS
            return self._queues


def _families(queues: Sequence[QueueSurvey]) -> Iterator[Metric]:
    tasks = GaugeMetricFamily(
        "bureau_ledger_tasks",
        "Tasks that have not ended, by queue and state: waiting, later, due or running.",
        labels=["queue", "state"],
    )
    oldest = _gauge("bureau_ledger_oldest_wait_seconds", "Seconds that the oldest due task of a queue has waited.")
    expired = _gauge("bureau_ledger_expired_leases", "Running tasks whose lease has expired.")
    workers = _gauge("bureau_workers", "Live workers that serve the queue.")
    paused = _gauge("bureau_queue_paused", "1 while the queue is paused, else 0.")
    for queue in queues:
        name = [queue.queue]
        for state in ("waiting", "later", "due", "running"):
            tasks.add_metric([*name, state], getattr(queue, state))
        oldest.add_metric(name, queue.oldest_due_seconds)
        expired.add_metric(name, queue.expired)
        workers.add_metric(name, queue.served.workers)
        paused.add_metric(name, float(queue.paused_at is not None))
    yield from (tasks, oldest, expired, workers, paused)


def _gauge(name: str, meaning: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, labels=["queue"])
