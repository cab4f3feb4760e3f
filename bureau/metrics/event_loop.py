"""Defines the metrics of a worker's event loop, on which its `async def` tasks run."""

from prometheus_client import Counter

BLOCKED = Counter("bureau_event_loop_blocked", "How often code blocked the event loop for longer than a second.")
BLOCKED_SECONDS = Counter(
    "bureau_event_loop_blocked_seconds", "Seconds for which the event loop was blocked, each time longer than one."
)
