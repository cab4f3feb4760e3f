"""GET /v1/jobs/{id}/events: a job's story as a stream that resumes and ends, and as a list."""

from uuid import UUID

import httpx
import pytest

from bureau.contracts.ids import new_id
from bureau.ledger.jobs.retry_job import retry
from tests.integration.gateway.conftest import pointers
from tests.integration.gateway.events.conftest import OWNER, Served
from tests.support.ledger.book import failed
from tests.support.waiting import until

JSON = {"Accept": "application/json"}


def test_the_story_of_a_job_that_ended_is_told_and_the_stream_ends(served: Served) -> None:
    job_id = served.submit()
    served.say(job_id, "one", "two")
    served.end(job_id)
    with served.follow(job_id) as stream:
        stream.wait_for_end()
        assert (stream.status, stream.headers["Content-Type"]) == (200, "text/event-stream")
        assert stream.headers["Cache-Control"] == "no-store"
        assert stream.headers["X-Accel-Buffering"] == "no"
        assert stream.ids == ["1", "2", "3", "4"]
        assert stream.types == ["task.logged", "task.logged", "task.succeeded", "job.finished"]
        first, last = stream.events[0], stream.events[-1]
    assert set(first) == {"id", "type", "at", "job", "task", "data"}
    assert (first["id"], first["job"], first["task"], first["data"]) == (1, job_id, "only", {"line": "one"})
    assert first["at"].endswith("Z")
    assert (last["task"], last["data"]) == (None, {"state": "succeeded", "error": None})


def test_connecting_again_after_the_end_gets_204(served: Served) -> None:
    job_id = served.submit()
    served.end(job_id)
    with served.follow(job_id, last=1) as stream:
        stream.wait_for_end()
        assert stream.types == ["job.finished"]
    for path in (f"/v1/jobs/{job_id}/events",):
        answer = served.client.get(path, headers={"Last-Event-ID": "2"})
        assert (answer.status_code, answer.content) == (204, b"")


def test_events_come_when_they_happen(served: Served) -> None:
    job_id = served.submit()
    with served.follow(job_id) as stream:
        for number in range(1, 6):
            served.say(job_id, str(number))
            stream.wait_for(number)
        served.end(job_id)
        stream.wait_for_end()
        assert stream.ids == [str(n) for n in range(1, 8)]
        assert stream.lines == ["1", "2", "3", "4", "5"]


def test_a_stream_goes_on_behind_the_last_event_that_was_received(served: Served) -> None:
    job_id = served.submit()
    served.say(job_id, "one", "two")
    with served.follow(job_id) as stream:
        stream.wait_for(2)
    served.say(job_id, "three", "four")
    with served.follow(job_id, last=stream.last) as again:
        again.wait_for(2)
        served.say(job_id, "five")
        again.wait_for(3)
        assert again.lines == ["three", "four", "five"]


def test_a_long_story_is_told_whole(served: Served) -> None:
    """Longer than the pages it is read in, and than what is held for a stream."""
    job_id = served.submit()
    for start in range(0, 2500, 500):
        served.say(job_id, *(str(n) for n in range(start, start + 500)))
    with served.follow(job_id) as stream:
        stream.wait_for(2500)
        served.say(job_id, "2500")
        served.end(job_id)
        stream.wait_for_end()
        assert stream.lines == [str(n) for n in range(2501)]
        assert stream.ids == [str(n) for n in range(1, 2504)]


def test_several_streams_of_a_job_are_told_the_same(served: Served) -> None:
    job_id = served.submit()
    served.say(job_id, "one")
    streams = [served.follow(job_id) for _ in range(4)]
    served.say(job_id, "two")
    late = served.follow(job_id)
    served.say(job_id, "three")
    served.end(job_id)
    for stream in (*streams, late):
        stream.wait_for_end()
        assert stream.lines == ["one", "two", "three"]
        assert stream.ids == ["1", "2", "3", "4", "5"]
        stream.leave()


def test_a_job_that_was_retried_goes_on_behind_its_first_end(served: Served) -> None:
    job_id = served.submit()
    served.book.run(UUID(job_id), ending=failed())
    assert served.client.get(f"/v1/jobs/{job_id}/events", headers={"Last-Event-ID": "2"}).status_code == 204
    retry(served.db, UUID(job_id), OWNER)
    with served.follow(job_id, last=2) as stream:
        stream.wait_for(1)
        served.end(job_id)
        stream.wait_for_end()
        assert stream.types == ["task.retrying", "task.succeeded", "job.finished"]
    with served.follow(job_id) as whole:
        whole.wait_for_end()
        assert whole.types == ["task.failed", "job.finished", *stream.types]


def test_events_gone_by_retention_leave_nothing_to_connect_for(served: Served) -> None:
    job_id = served.submit()
    served.end(job_id)
    with served.db.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM events")
    assert served.client.get(f"/v1/jobs/{job_id}/events").status_code == 204


def test_there_are_no_events_of_a_job_that_is_not_yours(served: Served) -> None:
    hers = served.book.submit(owner="eve")
    for job_id in (hers, new_id()):
        for headers in ({}, JSON):
            answer = served.client.get(f"/v1/jobs/{job_id}/events", headers=headers)
            assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize("given", ["two", "-1", "1.5", "²", "99999999999999999999", "3"])
def test_a_last_event_id_that_never_was_one_is_refused(served: Served, given: str) -> None:
    job_id = served.submit()
    served.say(job_id, "one", "two")
    answer = served.client.get(f"/v1/jobs/{job_id}/events", headers={b"Last-Event-ID": given.encode()})
    assert (answer.status_code, pointers(answer)) == (422, ["Last-Event-ID"])


@pytest.mark.parametrize("query", ["last_event_id=1", "limit=5", "cursor=x"])
def test_a_stream_takes_no_parameters(served: Served, query: str) -> None:
    answer = served.client.get(f"/v1/jobs/{served.submit()}/events?{query}")
    assert (answer.status_code, pointers(answer)) == (422, [query.partition("=")[0]])


def test_the_list_has_pages_of_events_oldest_first(served: Served) -> None:
    job_id = served.submit()
    served.say(job_id, *(str(n) for n in range(1, 6)))
    path = f"/v1/jobs/{job_id}/events"
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = served.client.get(path, params=query, headers=JSON).json()
        seen += [(event["id"], event["data"]["line"]) for event in page["items"]]
        cursor = page["next_cursor"]
        if len(seen) == 4:
            served.say(job_id, "6")  # pages stay stable while events are added
        if cursor is None:
            break
    assert seen == [(n, str(n)) for n in range(1, 7)]


def test_the_list_is_that_of_the_stream(served: Served) -> None:
    job_id = served.submit()
    served.say(job_id, "one")
    served.end(job_id)
    with served.follow(job_id) as stream:
        stream.wait_for_end()
    answer = served.client.get(f"/v1/jobs/{job_id}/events", headers=JSON)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"items": stream.events, "next_cursor": None}


def test_a_cursor_of_another_list_is_refused(served: Served) -> None:
    job_id = served.submit()
    cursor = "WyJhIl0"  # ["a"]
    answer = served.client.get(f"/v1/jobs/{job_id}/events", params={"cursor": cursor}, headers=JSON)
    assert (answer.status_code, pointers(answer)) == (422, ["cursor"])


@pytest.mark.parametrize("accept", ["*/*", "text/event-stream, application/json;q=0.5", "text/html, */*;q=0.8", ""])
def test_a_request_without_json_in_accept_gets_a_stream(served: Served, accept: str) -> None:
    job_id = served.submit()
    served.end(job_id)
    answer = served.client.get(f"/v1/jobs/{job_id}/events", headers={"Accept": accept})
    assert answer.headers["Content-Type"] == "text/event-stream"


def test_head_opens_no_stream(served: Served) -> None:
    job_id = served.submit()
    for path in (f"/v1/jobs/{job_id}/events", "/v1/events"):
        answer: httpx.Response = served.client.head(path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/event-stream")


def test_a_link_to_a_job_leads_to_its_events_too(served: Served) -> None:
    job_id, other = served.submit(), served.submit()
    served.end(job_id)
    link = served.client.post(f"/v1/jobs/{job_id}/links", json={"expires_in_seconds": 60}).json()["url"]
    token = httpx.URL(link).params["token"]
    assert served.client.get(f"/v1/jobs/{job_id}/events", params={"token": token}).text.count("data:") == 2
    assert served.client.get(f"/v1/jobs/{other}/events", params={"token": token}).status_code in (403, 404)


def test_a_deleted_jobs_stream_tells_nothing_more(served: Served) -> None:
    job_id = served.submit()
    with served.follow(job_id) as stream:
        served.say(job_id, "one")
        stream.wait_for(1)
        with served.db.transaction() as connection:
            connection.exec_driver_sql("DELETE FROM jobs")
        other = served.submit()
        with served.follow(other) as beside:
            served.say(other, "there")
            beside.wait_for(1)
        assert (stream.lines, stream.ended) == (["one"], False)
    until(lambda: served.client.get(f"/v1/jobs/{job_id}/events").status_code == 404, message="404")
