"""Dramatiq's Prometheus middleware over this process's registry."""

from typing import Any

from dramatiq.broker import Broker
from dramatiq.middleware.prometheus import Prometheus
from dramatiq.worker import Worker
from prometheus_client import Counter, Gauge, Histogram

_LABELS = ["queue_name", "actor_name"]

_MESSAGES = Counter("dramatiq_messages", "Messages processed.", _LABELS)
_ERRORS = Counter("dramatiq_message_errors", "Messages whose actor raised: a mistake of ours.", _LABELS)
_RETRIES = Counter("dramatiq_message_retries", "Messages that Dramatiq retried: the ledger retries instead.", _LABELS)
_REJECTS = Counter("dramatiq_message_rejects", "Messages rejected.", _LABELS)
_IN_PROGRESS = Gauge("dramatiq_messages_inprogress", "Messages in progress.", _LABELS)
_SECONDS = Histogram(
    "dramatiq_message_duration_seconds",
    "From a message's start to its end, with the claim and the finish of its task.",
    _LABELS,
    buckets=(0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 600.0, 1800.0, 3600.0),
)


class MessageMetrics(Prometheus):
    """Dramatiq's hooks, unchanged, onto metrics of ours.

    Its own are in milliseconds, which Prometheus' rules forbid, and stand in files under /tmp that one more process
    of each command reads, on one fixed port. Here each process serves its own numbers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total_messages = _MESSAGES
        self.total_errored_messages = _ERRORS
        self.total_retried_messages = _RETRIES
        self.total_rejected_messages = _REJECTS
        self.inprogress_messages = _IN_PROGRESS
        self.message_durations = _InSeconds()  # type: ignore[assignment]  # as much of a histogram as it uses

    @property
    def forks(self) -> list[Any]:
        """No exposition server."""
        return []

    def after_process_boot(self, broker: Broker) -> None:
        """Its metrics are there already."""

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Nothing of it is shared with other processes."""


class _InSeconds:
    """Takes Dramatiq's milliseconds."""

    def labels(self, queue: str, actor: str) -> "_Observed":
        return _Observed(_SECONDS.labels(queue, actor))


class _Observed:
    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram

    def observe(self, milliseconds: float) -> None:
        self._histogram.observe(milliseconds / 1000)
