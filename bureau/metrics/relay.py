"""Defines the metrics of the relay, which publishes hints from the outbox."""

from prometheus_client import Counter, Histogram

PUBLISHED = Counter("bureau_relay_hints_published", "Hints handed to the broker.", ["queue"])
BATCH_SIZE = Histogram(
    "bureau_relay_batch_hints", "Hints published in one pass of a queue.", buckets=(1, 2, 5, 10, 25, 50, 100, 250, 1000)
)
LAG_SECONDS = Histogram(
    "bureau_relay_lag_seconds",
    "Seconds from a task's due time to its first hint, including the wait for room in the queue's window.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 1800.0),
)
RECONNECTS = Counter("bureau_relay_reconnects", "Reconnections of publishers to RabbitMQ.")
