"""Counts messages with Dramatiq's Prometheus middleware, in this process's registry."""

from typing import Any

from dramatiq.broker import Broker
from dramatiq.middleware.prometheus import Prometheus
from dramatiq.worker import Worker
from prometheus_client import Counter, Gauge, Histogram

_LABELS = ["queue_name", "actor_name"]

_MESSAGES = Counter("dramatiq_messages", "Messages processed.", _LABELS)
_ERRORS = Counter("dramatiq_message_errors", "Messages whose actor raised, which is a bug in Bureau.", _LABELS)
_RETRIES = Counter(
    "dramatiq_message_retries", "Messages that Dramatiq retried; should be 0, because the ledger retries.", _LABELS
)
_REJECTS = Counter("dramatiq_message_rejects", "Messages rejected.", _LABELS)
_IN_PROGRESS = Gauge("dramatiq_messages_inprogress", "Messages in progress.", _LABELS)
_SECONDS = Histogram(
    "dramatiq_message_duration_seconds",
    "Seconds from a message's start to its end, including the claim and the finish of its task.",
    _LABELS,
    buckets=(0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 600.0, 1800.0, 3600.0),
)


class MessageMetrics(Prometheus):
    """Connects Dramatiq's unchanged hooks to Bureau's metrics.

    Dramatiq's own metrics are in milliseconds, which Prometheus' rules forbid. They are in files under /tmp, which an
    additional process of each command serves on one fixed port. Here each process serves its own numbers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total_messages = _MESSAGES
        self.total_errored_messages = _ERRORS
        self.total_retried_messages = _RETRIES
        self.total_rejected_messages = _REJECTS
        self.inprogress_messages = _IN_PROGRESS
        self.message_durations = _MillisecondHistogram()  # type: ignore[assignment]  # has the part of a histogram that is used

    @property
    def forks(self) -> list[Any]:
        """Returns nothing, so that no exposition server is started."""
        return []

    def after_process_boot(self, broker: Broker) -> None:
        """Does nothing, because the metrics exist already."""

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Does nothing, because the metrics are not shared with other processes."""


class _MillisecondHistogram:
    """Takes Dramatiq's milliseconds and observes seconds."""

    def labels(self, queue: str, actor: str) -> "_MillisecondObserver":
        return _MillisecondObserver(_SECONDS.labels(queue, actor))


class _MillisecondObserver:
    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram

    def observe(self, milliseconds: float) -> None:
        self._histogram.observe(milliseconds / 1000)
