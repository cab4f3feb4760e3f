"""Tests that a job's events come once and in order, whatever happens to the connection."""

import json
from typing import cast

import pytest

from bureau.client import Job, JobFailed, NotInTime, Patience, Problem, Unreachable
from bureau.client.shapes import JobData
from tests.support.servers.http_servers import Behaviour, HttpExchange, hangs, replies, resets
from tests.unit.client.conftest import JOB, Served, answer, problem


def tells(*numbers: int, half: bool = False, ends: bool = True) -> Behaviour:
    """A stream of these events; cut off in the middle of one more where `half`."""

    def behave(exchange: HttpExchange) -> None:
        exchange.start(200, {"Content-Type": "text/event-stream"})
        exchange.write(b"retry: 2000\n\n")
        for number in numbers:
            data = {"id": number, "type": "task.logged", "at": "2026-05-04T07:00:02Z", "job": JOB["id"], "task": "add"}
            exchange.write(f"id: {number}\ndata: {json.dumps({**data, 'data': {'line': 'on'}})}\n\n:\n\n".encode())
        if half:
            exchange.write(b'id: 99\ndata: {"id": 99, "type"')
        if not ends:
            exchange.reset()

    return behave


def followed(served: Served, *behaviours: Behaviour, patience: Patience | None = None) -> tuple[list[int], list[str]]:
    """The ids that were told, and the Last-Event-ID of each request."""
    bureau, server = served(*behaviours, patience=patience)
    ids = [event.id for event in Job(bureau.connection, cast("JobData", JOB)).follow()]
    return ids, [request.headers.get("Last-Event-ID", "") for request in server.requests]


def test_a_stream_is_followed_to_its_end(served: Served) -> None:
    assert followed(served, tells(1, 2, 3), replies(204)) == ([1, 2, 3], ["", "3"])


def test_a_lost_stream_continues_behind_the_last_event(served: Served) -> None:
    behaviours = [tells(1, half=True), resets, tells(2, 3, ends=False), tells(), problem(503, "too-many-streams")]
    ids, asked = followed(served, *behaviours, tells(4), replies(204))
    assert ids == [1, 2, 3, 4]
    assert asked == ["", "1", "1", "3", "3", "3", "4"]


def test_following_a_job_whose_events_are_all_read_ends_at_once(served: Served) -> None:
    assert followed(served, replies(204)) == ([], [""])


def test_a_refused_stream_is_a_problem(served: Served) -> None:
    with pytest.raises(Problem, match="So it is"):
        followed(served, problem(404, "not-found"))


def test_a_gateway_that_stays_down_ends_the_stream(served: Served) -> None:
    with pytest.raises(Unreachable):
        followed(served, tells(1, 2), resets, patience=Patience(seconds=0.05, base_seconds=0.02))


def test_wait_polls_until_the_job_has_ended(served: Served) -> None:
    running = cast("JobData", {**JOB, "state": "running", "finished_at": None})
    bureau, server = served(answer(running), resets, answer(JOB))
    assert Job(bureau.connection, running).wait(60).state == "succeeded"
    assert server.requests[0].headers["Prefer"] == "wait=30"


def test_wait_ends_after_its_time(served: Served) -> None:
    running = cast("JobData", {**JOB, "state": "running", "finished_at": None})
    bureau, _ = served(answer(running))
    with pytest.raises(NotInTime, match=r"still running after 0\.1 s"):
        Job(bureau.connection, running).wait(0.1)


def test_a_failed_job_is_raised_with_its_error(served: Served) -> None:
    error = {"code": "shop_away", "message": "The shop does not answer.", "retryable": True, "task": "add"}
    bureau, _ = served(hangs())
    job = Job(bureau.connection, cast("JobData", {**JOB, "state": "failed", "error": error}))
    with pytest.raises(JobFailed, match=r"'Two and two' \(.*\) failed: shop_away: The shop does not answer."):
        job.wait(1)
    assert job.wait(1, check=False).state == "failed"
