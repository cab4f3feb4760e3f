"""Cursors that nobody was given: each list refuses them with 422."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from tests.integration.gateway.conftest import Door

LISTS = (
    *("/v1/jobs", "/v1/tasks", "/v1/schedules", "/v1/mail/suppressions", "/v1/workers", "/v1/queues"),
    *(
        "/v1/catalog/tasks",
        "/v1/catalog/reports",
        "/v1/catalog/templates",
        "/v1/jobs/{job}/tasks",
        "/v1/jobs/{job}/events",
    ),
    *("/jobs", "/tasks", "/audit"),
)
UUID_TEXT = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
KEYS: tuple[Any, ...] = (
    [],
    [None],
    [1],
    [-1],
    [10**40],
    [1.5],
    [True],
    [{}],
    [[]],
    [["a"]],
    [7, 7],
    ["a\x00b"],
    ["\ud800"],
    ["9999-12-31T23:59:59-23:59", UUID_TEXT],
    ["0001-01-01T00:00:00+23:59", UUID_TEXT],
    ["2024-01-01", UUID_TEXT],
    ["2024-01-01T00:00:00", 7],
    [None, None],
    [{}, {}],
    ["x"] * 50,
    {"a": 1},
    "text",
    None,
)


def forged(key: Any) -> str:
    return urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")[:500]


@pytest.mark.parametrize("path", LISTS)
def test_a_forged_cursor_is_refused_and_breaks_nothing(door: Door, path: str) -> None:
    mail = {"to": ["ada@example.com"], "subject": "Hello", "text": "x"}
    path = path.format(job=door.post("/v1/emails", mail).json()["id"])
    for cursor in [*map(forged, KEYS), "%00", "é", "=", "====", "A", "W1t" * 100, "\ud800"]:
        answer = door.client.get(
            path, params={"cursor": cursor.encode("utf-8", "replace").decode()}, headers={"Accept": "application/json"}
        )
        assert answer.status_code in (200, 422), (path, cursor, answer.text)
