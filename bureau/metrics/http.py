"""Defines the metrics of the gateway: requests, submissions and uploads."""

from functools import cache

from prometheus_client import Counter, Histogram

UNKNOWN_ROUTE = "unknown"  # all addresses that do not exist
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

REQUESTS = Counter(
    "bureau_http_requests", "Requests answered, by route template, method and status.", ["route", "method", "code"]
)
DURATION = Histogram(
    "bureau_http_request_duration_seconds",
    "Seconds from the start of a request to the start of its answer, including a wait that it asked for.",
    ["route", "method"],
    buckets=_SECONDS,
)
SUBMISSIONS = Counter("bureau_submissions", "Jobs accepted over HTTP, by kind.", ["kind"])
UPLOADED = Counter("bureau_upload_bytes", "Bytes of uploaded files stored.")


def answered(route: str | None, method: str, status: int, seconds: float) -> None:
    """Counts an answered request. `route` is the template that matched, or None."""
    requests, duration = _of_route(route or UNKNOWN_ROUTE, method if method in _METHODS else "other", status)
    requests.inc()
    duration.observe(seconds)


@cache
def _of_route(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    """Returns the metrics of these labels. Their values are bounded, and a look into the library's own costs more."""
    return REQUESTS.labels(route, method, status), DURATION.labels(route, method)
