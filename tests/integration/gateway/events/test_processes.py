"""Event streams under the servers that Bureau is run with: gunicorn's threads, and the embedded process."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import pytest

from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.progress import write_events
from tests.integration.gateway.serving.test_process import COMMAND, environment
from tests.support.ledger.book import Book
from tests.support.ledger.ledgers import sqlite_ledger
from tests.support.running.processes import Process
from tests.support.running.sse import Deaf, Listener
from tests.support.servers.ports import free_port
from tests.support.waiting import until

OWNER = "local"


class Gunicorn:
    """A gateway process of its own, with the ledger that it looks into."""

    def __init__(self, folder: Path) -> None:
        self.db = sqlite_ledger(folder)
        self.book = Book(self.db)
        self.port = free_port()
        env = environment(folder, BIND=f"127.0.0.1:{self.port}", MAX_STREAMS="3", GRACE_SECONDS="20")
        self.process = Process(COMMAND, log=folder / "log", env=env)
        self.process.wait_for_http(f"http://127.0.0.1:{self.port}/healthz")

    def say(self, job_id: UUID, *lines: str) -> None:
        write_events(self.db, {job_id: [TaskEvent("task.logged", "only", {"line": line}) for line in lines]})

    def follow(self, job_id: UUID, last: int | None = None) -> Listener:
        return Listener(self.port, f"/v1/jobs/{job_id}/events", last=last)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    """The same for all tests; the last one stops it."""
    made = Gunicorn(tmp_path_factory.mktemp("gunicorn"))
    with made.process:
        yield made
    made.db.close()


def test_gunicorn_holds_nothing_back(gateway: Gunicorn) -> None:
    job_id = gateway.book.submit(owner=OWNER)
    with gateway.follow(job_id) as stream, Listener(gateway.port, "/v1/events") as mine:
        for number in range(1, 4):
            gateway.say(job_id, str(number))
            stream.wait_for(number)
            mine.wait_for(number)
        gateway.book.run(job_id)
        stream.wait_for_end()
        mine.wait_for(5)
        assert stream.ids == ["1", "2", "3", "4", "5"]
    assert gateway.follow(job_id, last=5).status == 204
    assert "Traceback" not in gateway.process.output()


def test_gunicorns_threads_are_freed_by_who_left_and_who_does_not_read(gateway: Gunicorn) -> None:
    job_id = gateway.book.submit(owner=OWNER)
    path = f"/v1/jobs/{job_id}/events"

    for _ in range(2):
        all_seats_are_taken(gateway, job_id)
    for _ in range(20):
        gateway.say(job_id, *["x" * 1000] * 500)  # more than buffers take
    all_seats_are_taken(gateway, job_id)
    with Deaf(gateway.port, path):
        all_seats_are_taken(gateway, job_id)  # though one does not read
    assert "Traceback" not in gateway.process.output()


def all_seats_are_taken(gateway: Gunicorn, job_id: UUID) -> None:
    """By streams that are kept until there are as many as may be, and then leave, all at once."""
    with ExitStack() as seated:
        for number in range(3):
            until(lambda: seated.enter_context(gateway.follow(job_id)).status == 200, 40, f"seat {number + 1} of 3")


def test_a_stop_of_gunicorn_ends_streams_at_once(gateway: Gunicorn) -> None:
    job_id = gateway.book.submit(owner=OWNER)
    for _ in range(20):
        gateway.say(job_id, *["x" * 1000] * 500)
    with Deaf(gateway.port, f"/v1/jobs/{job_id}/events"), Listener(gateway.port, "/v1/events") as mine:
        began = time.monotonic()
        assert gateway.process.stop(seconds=15) == 0
        assert time.monotonic() - began < 8  # it does not wait for its 20 s of grace
        mine.wait_for_end(5)
    assert "Traceback" not in gateway.process.output()


def test_the_streams_leave_threads_for_others(tmp_path: Path) -> None:
    env = environment(tmp_path, MAX_STREAMS="32")
    with Process([sys.executable, *COMMAND[1:]], log=tmp_path / "log", env=env) as process:
        assert process.wait() == 2
        assert "MAX_STREAMS: 32 streams would hold all 32 threads" in process.output()
