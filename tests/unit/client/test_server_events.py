"""Tests the parsing of server-sent events, in whatever chunks they arrive."""

import json

import pytest

from bureau.client.events import event_from
from bureau.client.server_events import Message, messages

BODY = b"""retry: 2000

id: 1
data: {"a": 1}

:

id: 2
data: line \xe2\x80\xa8 separator\xc2\x85\x0b

id: 3
data: cut"""
TOLD = [Message("1", '{"a": 1}'), Message("2", "line \u2028 separator\x85\x0b")]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_complete_in_any_chunks_and_a_cut_off_event_is_left_out(size: int) -> None:
    assert list(messages(BODY[at : at + size] for at in range(0, len(BODY), size))) == TOLD


@pytest.mark.parametrize("size", [1, 2, 1000])
@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r"])
def test_lines_may_end_in_any_way_of_the_standard(end: bytes, size: int) -> None:
    body = end.join([b"id: 1", b"data: one", b"data: two", b"", b"data: three", b"", b":"])
    chunks = (body[at : at + size] for at in range(0, len(body), size))
    assert list(messages(chunks)) == [Message("1", "one\ntwo"), Message("", "three")]


ERROR = {"code": "smtp_unavailable", "message": "It does not answer.", "retryable": True}


@pytest.mark.parametrize(
    ("kind", "task", "data", "line"),
    [
        ("task.started", "add", {"attempt": 1, "worker": "w"}, "add: started"),
        ("task.started", "add", {"attempt": 3, "worker": "w"}, "add: started again, attempt 3"),
        ("task.logged", "add", {"line": "adding"}, "add: adding"),
        (
            "task.progressed",
            "add",
            {"current": 450000, "total": 1000000, "percent": 45.0, "note": "rows"},
            "add: 45 %, 450,000 of 1,000,000 rows",
        ),
        ("task.progressed", "add", {"current": 7, "total": None, "percent": None, "note": None}, "add: 7"),
        (
            "task.retrying",
            "mail",
            {"error": ERROR, "delay_seconds": 4.2, "counted": True},
            "mail: will be retried in 4 s: smtp_unavailable: It does not answer.",
        ),
        ("task.retrying", "mail", {"by": "request"}, "mail: will run again, as requested"),
        ("task.failed", "mail", {"error": ERROR}, "mail: failed: smtp_unavailable: It does not answer."),
        ("task.succeeded", "add", {}, "add: succeeded"),
        ("job.finished", None, {"state": "succeeded", "error": None}, "The job succeeded"),
        ("task.dreamt", "add", {"of": "sheep"}, "add: task.dreamt"),
    ],
)
def test_an_event_is_formatted_as_a_line_for_people(
    kind: str, task: str | None, data: dict[str, object], line: str
) -> None:
    data_sent = {"id": 1, "type": kind, "at": "2026-05-04T07:00:02.118Z", "job": "0196", "task": task, "data": data}
    assert event_from(json.loads(json.dumps(data_sent))).line() == line
