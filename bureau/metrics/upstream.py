"""Calls of services by HTTP that are not Bureau's."""

from http import HTTPStatus

from prometheus_client import Counter

CALLS = Counter("bureau_upstream_requests", "Calls by status; `none` where no answer came.", ["upstream", "code"])
_KNOWN = frozenset(int(status) for status in HTTPStatus)


def called(upstream: str, status: int | None) -> None:
    """A status that is none of HTTP's own counts as `other`: whoever answers may invent any."""
    code = "none" if status is None else str(status) if status in _KNOWN else "other"
    CALLS.labels(upstream, code).inc()
