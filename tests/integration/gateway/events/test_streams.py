"""What streams cost and when they end: seats, time, silence, clients that leave or do not read, a ledger away."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.jobs.event_cursor import EventCursor
from bureau.ledger.reads import event_history
from bureau.services.gateway.http.streaming import event_stream
from tests.integration.gateway.events.conftest import Served
from tests.support.running.sse import Deaf, Listener
from tests.support.waiting import until


@contextmanager
def statements(db: Database) -> Iterator[Counter[str]]:
    """How many statements each thread sends in the block."""
    sent: Counter[str] = Counter()

    def count(*_: Any) -> None:
        sent[threading.current_thread().name] += 1

    event.listen(db.engine, "before_cursor_execute", count)
    yield sent
    event.remove(db.engine, "before_cursor_execute", count)


def connected(served: Served, job_id: str) -> int:
    """The status that one more stream gets; it leaves at once."""
    with served.follow(job_id) as stream:
        return stream.status


def seated(follow: Callable[[], Listener]) -> Listener:
    """A stream, as soon as there is a seat for it."""

    def one() -> Listener | None:
        stream = follow()
        if stream.status == 200:
            return stream
        stream.leave()
        return None

    found = until(one, message="a free seat")
    assert found is not None
    return found


def test_beyond_the_cap_a_stream_is_refused_and_everything_else_is_served(serve: Callable[..., Served]) -> None:
    served = serve(max_streams=2)
    job_id = served.submit()
    with served.follow(job_id), served.follow_all():
        for path in (f"/v1/jobs/{job_id}/events", "/v1/events"):
            answer = served.client.get(path)
            assert (answer.status_code, answer.json()["type"]) == (503, "/problems/too-many-streams")
            assert answer.headers["Retry-After"] == "10"
            assert "MAX_STREAMS" in answer.json()["detail"]
        assert served.client.get(f"/v1/jobs/{job_id}").status_code == 200
        listed = served.client.get(f"/v1/jobs/{job_id}/events", headers={"Accept": "application/json"})
        assert listed.status_code == 200


def test_unless_set_otherwise_streams_leave_half_of_the_threads(serve: Callable[..., Served]) -> None:
    served = serve(web_threads=4)
    job_id = served.submit()
    with served.follow(job_id), served.follow(job_id):
        assert connected(served, job_id) == 503
        assert served.client.get("/healthz").status_code == 200


@pytest.mark.parametrize("all_jobs", [False, True])
def test_a_client_that_leaves_frees_its_seat_soon(serve: Callable[..., Served], all_jobs: bool) -> None:
    served = serve(max_streams=1)
    job_id = served.submit()
    began = time.monotonic()
    for _ in range(5):
        seated(served.follow_all if all_jobs else lambda: served.follow(job_id)).leave()
    assert time.monotonic() - began < 10  # nothing was written meanwhile: that they left was looked for


def test_a_silent_stream_is_commented(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> None:
    assert event_stream.COMMENT_SECONDS == 15
    monkeypatch.setattr(event_stream, "COMMENT_SECONDS", 0.3)
    served = serve()
    with served.follow(served.submit()) as stream:
        until(lambda: stream.comments >= 3, message="comments")
        assert stream.events == []


def test_a_stream_ends_after_its_time_and_goes_on_in_the_next(serve: Callable[..., Served]) -> None:
    served = serve(max_stream_seconds=1)
    job_id = served.submit()
    served.say(job_id, "one")
    with served.follow(job_id) as stream:
        stream.wait_for_end()
    served.say(job_id, "two")
    with served.follow(job_id, last=stream.last) as again:
        again.wait_for(1)
    assert (stream.lines, again.lines) == (["one"], ["two"])


def test_streams_end_when_the_process_stops(serve: Callable[..., Served]) -> None:
    served = serve()
    job_id = served.submit()
    streams = [served.follow(job_id) for _ in range(6)] + [served.follow_all() for _ in range(6)]
    began = time.monotonic()
    served.stop()
    assert time.monotonic() - began < 4  # the embedded Bureau has five seconds in all
    for stream in streams:
        stream.wait_for_end(5)
        stream.leave()


def test_one_poller_asks_for_all_streams(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> None:
    """As many questions for thirty streams as for one: two a look, of the hub's thread alone."""
    served = serve(web_threads=40, max_streams=36)
    ids = [served.submit() for _ in range(10)]
    streams = [served.follow(job_id) for job_id in ids for _ in range(2)] + [served.follow_all() for _ in range(10)]
    served.say(ids[0], "all have caught up")
    for stream in (*streams[:2], *streams[20:]):
        stream.wait_for(1)
    looks: list[None] = []
    present = event_history.present

    def look(db: Database) -> EventCursor:
        looks.append(None)
        return present(db)

    monkeypatch.setattr(event_history, "present", look)
    with statements(served.db) as sent:
        until(lambda: len(looks) == 6, message="six looks")
    assert set(sent) == {"events"}
    assert sent["events"] <= 7 * 4  # two questions a look, and BEGIN before each
    for stream in streams:
        stream.leave()


def test_without_streams_nothing_is_asked(serve: Callable[..., Served]) -> None:
    served = serve()
    with served.follow_all():
        pass
    until(lambda: connected(served, served.submit()) == 200)

    with statements(served.db) as sent:
        asked, since = 0, time.monotonic()

        def quiet() -> bool:
            nonlocal asked, since
            if sent.total() != asked:
                asked, since = sent.total(), time.monotonic()
            return time.monotonic() - since > 1

        until(quiet, message="a second without questions")


def test_a_client_that_does_not_read_costs_neither_thread_nor_connection(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "SLOW_SECONDS", 1.0)
    served = serve(max_streams=1)
    job_id = served.submit()
    for _ in range(20):
        served.say(job_id, *["x" * 1000] * 500)  # ten megabytes, more than buffers take
    reads: list[int] = []
    read = event_history.events_of

    def counted(*arguments: Any, **named: Any) -> Any:
        reads.append(1)
        return read(*arguments, **named)

    monkeypatch.setattr(event_history, "events_of", counted)
    with Deaf(served.port, f"/v1/jobs/{job_id}/events"):
        until(lambda: reads, message="the stream")
        assert connected(served, job_id) == 503
        until(lambda: served.db.engine.pool.checkedout() == 0, message="no connection held")  # type: ignore[attr-defined]
        seated(lambda: served.follow(job_id)).leave()  # though it is still there
    assert len(reads) < 60  # it was not all read for nobody


def test_streams_outlive_an_outage_of_the_ledger(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "COMMENT_SECONDS", 0.2)
    served = serve()
    job_id, silent = served.submit(), served.submit()
    failed: set[str] = set()
    away = threading.Event()

    def fragile(name: str) -> Any:
        original = getattr(event_history, name)

        def asked(*arguments: Any, **named: Any) -> Any:
            if away.is_set():
                failed.add(name)
                raise LedgerUnavailable("away")
            return original(*arguments, **named)

        return asked

    for name in ("events_of", "new_to_jobs", "present"):
        monkeypatch.setattr(event_history, name, fragile(name))
    with served.follow(job_id) as stream, served.follow(silent) as beside, served.follow_all() as mine:
        served.say(job_id, "before")
        stream.wait_for(1)
        mine.wait_for(1)
        away.set()
        served.say(job_id, "meanwhile")
        until(lambda: "new_to_jobs" in failed, message="a failed look")
        commented = stream.comments
        until(lambda: stream.comments > commented + 2, message="comments")
        refused = served.client.get("/v1/events")
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/ledger-unavailable")
        away.clear()
        stream.wait_for(2)
        mine.wait_for(2)
        assert stream.lines == mine.lines == ["before", "meanwhile"]
        assert (beside.events, beside.ended) == ([], False)
    until(lambda: connected(served, job_id) == 200, message="seats")


def test_a_refused_stream_gives_its_seat_back(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> None:
    served = serve(max_streams=1)

    def away(*_: Any) -> Any:
        raise LedgerUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(event_history, "present", away)
        assert served.client.get("/v1/events").status_code == 503
    assert served.client.head("/v1/events").status_code == 200
    with served.follow_all() as stream:
        assert stream.status == 200


def test_an_old_client_without_chunks_is_served_too(serve: Callable[..., Served]) -> None:
    served = serve()
    job_id = served.submit()
    served.end(job_id)
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(f"GET /v1/jobs/{job_id}/events HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.count(b"data: ") == 2
