"""Defines the metric of HTTP requests to other services."""

from http import HTTPStatus

from prometheus_client import Counter

CALLS = Counter(
    "bureau_upstream_requests", "Requests to other services by status; `none` if no answer came.", ["upstream", "code"]
)
_KNOWN = frozenset(int(status) for status in HTTPStatus)


def called(upstream: str, status: int | None) -> None:
    """Counts a request. A status that HTTP does not define counts as `other`, because a server may send any number."""
    code = "none" if status is None else str(status) if status in _KNOWN else "other"
    CALLS.labels(upstream, code).inc()
