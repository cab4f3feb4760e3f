"""GET /v1/events: what happens to one's jobs from now on."""

import random
import threading
from collections import defaultdict
from uuid import UUID

from sqlalchemy import select

from bureau.ledger.db.tables import events
from bureau.ledger.jobs import cancel
from bureau.ledger.jobs.events import TaskEvent, append
from tests.integration.gateway.conftest import pointers
from tests.integration.gateway.events.conftest import OWNER, Served
from tests.support.together import together
from tests.support.waiting import until


def test_the_owners_stream_has_the_events_of_all_their_jobs(served: Served) -> None:
    old = served.submit()
    served.say(old, "before")
    with served.follow_all() as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        new = served.submit()
        served.say(new, "new")
        served.say(old, "old")
        served.end(new)
        stream.wait_for(4)
        assert sorted(stream.lines) == ["new", "old"]
        of_new = [(event["id"], event["type"]) for event in stream.events if event["job"] == new]
        assert of_new == [(1, "task.logged"), (2, "task.succeeded"), (3, "job.finished")]
        assert [event["id"] for event in stream.events if event["job"] == old] == [2]
        assert stream.ids == []  # nothing could be resumed by them
        assert not stream.ended


def test_the_owners_stream_has_no_events_of_other_owners(served: Served) -> None:
    with served.follow_all() as stream:
        hers = str(served.book.submit(owner="eve"))
        served.say(hers, "hers")
        mine = served.submit()
        served.say(mine, "mine")
        stream.wait_for(1)
        assert stream.lines == ["mine"]


def test_a_cancelled_job_is_told_of(served: Served) -> None:
    job_id = served.submit()
    with served.follow_all() as stream:
        cancel.cancel(served.db, UUID(job_id), OWNER)
        stream.wait_for(2)
        assert stream.types == ["task.cancelled", "job.finished"]
        assert stream.events[1]["data"]["state"] == "cancelled"


def test_streams_that_come_and_go_are_told_what_comes_while_they_are_there(served: Served) -> None:
    job_id = served.submit()
    with served.follow_all() as first:
        served.say(job_id, "one")
        first.wait_for(1)
        with served.follow_all() as second:
            served.say(job_id, "two")
            first.wait_for(2)
            second.wait_for(1)
    with served.follow_all() as third:
        served.say(job_id, "three")
        third.wait_for(1)
    assert (first.lines, second.lines, third.lines) == (["one", "two"], ["two"], ["three"])


def test_it_takes_no_parameters(served: Served) -> None:
    answer = served.client.get("/v1/events?limit=5")
    assert (answer.status_code, pointers(answer)) == (422, ["limit"])


def test_no_event_is_lost_or_sent_twice_in_any_order_of_commits(served: Served) -> None:
    """Writers' transactions overlap and touch several jobs; two streams are there all the time, others come and go."""
    jobs = [UUID(served.submit()) for _ in range(6)]
    streams = [served.follow_all() for _ in range(2)]
    writing = threading.Event()
    writing.set()

    def come_and_go() -> None:
        while writing.is_set():
            with served.follow_all() as passing:
                passing.wait_for(5)

    def write(number: int) -> None:
        chance = random.Random(number)
        for _ in range(30):
            with served.db.transaction() as connection:
                for job_id in sorted(chance.sample(jobs, chance.randint(1, 3))):
                    append(
                        connection, {job_id: [TaskEvent("task.logged", "only", {"line": "x"})] * chance.randint(1, 3)}
                    )

    passing = threading.Thread(target=come_and_go, daemon=True)
    passing.start()
    together(4, write, seconds=120)
    writing.clear()
    with served.db.read() as connection:
        written = connection.execute(select(events.c.job_id, events.c.seq)).all()
    expected = {str(job_id): [n for job, n in sorted(written) if job == job_id] for job_id in jobs}
    for stream in streams:
        until(lambda: len(stream.events) >= len(written), 60, lambda: f"{len(written)} events")  # noqa: B023 - at once
        told = defaultdict(list)
        for event in stream.events:
            told[event["job"]].append(event["id"])
        assert told == expected
        stream.leave()
    served.say(str(jobs[0]), *["the last ones"] * 5)  # so that the passing one goes too
    passing.join(30)
