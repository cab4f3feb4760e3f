"""A gateway behind a real server in this process, cheroot as the embedded Bureau has it, on either database."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from cheroot import wsgi

from bureau.ledger.db.database import Database
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.progress import write_events
from bureau.services.gateway.app import create_app
from bureau.services.gateway.settings import GatewaySettings
from bureau.storage import Storage
from tests.integration.gateway.conftest import CountingRelay
from tests.support.ledger.book import Book
from tests.support.ledger.ledgers import sqlite_ledger
from tests.support.routes import share_url_builders
from tests.support.running.sse import Listener
from tests.support.servers.ports import free_port

OWNER = "local"


class Served:
    """The gateway at `port`. Jobs of its only owner are made, and told about, behind its back."""

    def __init__(self, db: Database, folder: Path, **settings: Any) -> None:
        share_url_builders()
        self.db = db
        self.book = Book(db)
        self.port = free_port()
        self.stopping = threading.Event()
        given = GatewaySettings(bind=f"127.0.0.1:{self.port}", **settings)
        storage = Storage.from_url(f"file://{folder}/storage")
        app = create_app(given, db, storage, CountingRelay(), stopping=self.stopping)
        self._server = wsgi.Server(("127.0.0.1", self.port), app, numthreads=given.web_threads, shutdown_timeout=2)
        self._server.prepare()
        self._thread = threading.Thread(target=self._server.serve, daemon=True)
        self._thread.start()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)

    def submit(self, *tasks: Any) -> str:
        return str(self.book.submit(*tasks, owner=OWNER))

    def say(self, job_id: str, *lines: str, task: str = "only") -> None:
        write_events(self.db, {UUID(job_id): [TaskEvent("task.logged", task, {"line": line}) for line in lines]})

    def end(self, job_id: str) -> None:
        """Runs the job's only task to its end: `task.succeeded`, `job.finished`."""
        self.book.run(UUID(job_id))

    def follow(self, job_id: str, *, last: int | None = None) -> Listener:
        return Listener(self.port, f"/v1/jobs/{job_id}/events", last=last)

    def follow_all(self) -> Listener:
        return Listener(self.port, "/v1/events")

    def stop(self) -> None:
        self.stopping.set()
        self._server.stop()
        self._thread.join(10)

    def close(self) -> None:
        self.client.close()
        self.stop()


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest) -> Database:
    """An empty ledger."""
    name = "small_ledger" if request.param == "sqlite" else "postgres_db"
    database: Database = request.getfixturevalue(name)
    return database


@pytest.fixture
def served(ledger: Database, tmp_path: Path) -> Iterator[Served]:
    made = Served(ledger, tmp_path)
    yield made
    made.close()


@pytest.fixture
def small_ledger(tmp_path: Path) -> Iterator[Database]:
    """SQLite, where the database does not matter."""
    db = sqlite_ledger(tmp_path)
    yield db
    db.close()


@pytest.fixture
def serve(small_ledger: Database, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts a gateway with settings of its own."""
    started: list[Served] = []

    def start(**settings: Any) -> Served:
        started.append(Served(small_ledger, tmp_path, **settings))
        return started[-1]

    yield start
    for served in started:
        served.close()
