"""A client without the patience of a person."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bureau.client import Bureau, Patience
from tests.support.servers.http_servers import Behaviour, HttpServer, http_server, replies

JOB: dict[str, Any] = {
    "id": "0196aaaa-0000-7000-8000-000000000001",
    "kind": "job",
    "title": "Two and two",
    "tags": [],
    "state": "succeeded",
    "priority": 5,
    "created_at": "2026-05-04T07:00:00Z",
    "started_at": "2026-05-04T07:00:01Z",
    "finished_at": "2026-05-04T07:00:02Z",
    "counts": {"succeeded": 1},
    "error": None,
    "run_at": None,
    "cancel_requested_at": None,
    "progress": None,
    "waiting": None,
    "tasks": [],
    "artifacts": [],
}


def problem(status: int, slug: str, **headers: str) -> Behaviour:
    """The gateway's refusal."""
    body = {"type": f"/problems/{slug}", "title": "Refused", "status": status, "detail": "So it is.", "errors": []}
    return replies(status, json.dumps(body).encode(), "application/problem+json", **headers)


def answer(value: Any, status: int = 200) -> Behaviour:
    return replies(status, json.dumps(value).encode())


class Served:
    """Fake gateways and the clients that speak to them."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._open: list[Any] = []

    def __call__(
        self, *behaviours: Behaviour, key: str | None = None, patience: Patience | None = None
    ) -> tuple[Bureau, HttpServer]:
        running = http_server(*behaviours)
        server = running.__enter__()
        bureau = Bureau(server.url, key, patience=patience)
        bureau.connection._sleep = self.waits.append
        self._open += [bureau, running]
        return bureau, server

    def close(self) -> None:
        for one in self._open:
            one.__exit__(None, None, None)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """`bureau, server = served(…behaviours)`; `served.waits` are the pauses that were not slept."""
    for name in ("BUREAU_URL", "BUREAU_KEY", "BUREAU_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    one = Served()
    yield one
    one.close()
