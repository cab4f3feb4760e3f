"""The mailer as a worker runs it: claimed from a ledger on either database, handed to a server, finished."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import deliveries as deliveries_table
from bureau.ledger.mail import deliveries
from bureau.ledger.mail.deliveries import MailDelivery
from bureau.runtime.heartbeat import Heartbeat
from bureau.runtime.runner import Runner
from bureau.service import Resources
from bureau.services.mailer.service import mailer_service
from bureau.storage import Storage
from tests.support.ledger.book import Book, task
from tests.support.ledger.ledgers import sqlite_ledger
from tests.support.servers.mail_servers import MailServer, mail_server

MAIL = {"to": ["Ada <ada@example.com>"], "cc": ["bob@example.com"], "subject": "Hello", "text": "Hello"}


@pytest.fixture
def sqlite_db(tmp_path: Path) -> Iterator[Database]:
    database = sqlite_ledger(tmp_path)
    yield database
    database.close()


@pytest.fixture(params=["sqlite", "postgres"])
def db(request: pytest.FixtureRequest) -> Database:
    """An empty ledger."""
    database: Database = request.getfixturevalue(f"{request.param}_db")
    return database


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage.from_url(f"file://{tmp_path}/storage")


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


class Office:
    """A ledger with mails to send, and workers that send them. `url` is the MAIL_URL of workers made after."""

    def __init__(self, db: Database, storage: Storage, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        self.db = db
        self.storage = storage
        self.book = Book(db)
        self.closing: list[Callable[[], None]] = []
        self._monkeypatch = monkeypatch
        self.settings(MAIL_URL=url, MAIL_FROM="Bureau <bureau@example.com>")

    def settings(self, **variables: str) -> None:
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def submit(self, *, owner: str = "ada", **changes: Any) -> UUID:
        """A job of one mail: MAIL, changed."""
        return self.book.submit(task(run="mailer.send", queue="mailer", input=MAIL | changes), owner=owner)

    def worker(self, name: str = "w") -> Runner:
        """Its heartbeat beats, so that it hears of a cancel."""
        service = mailer_service(Resources(self.db, self.storage))
        heartbeat = Heartbeat(self.db, grace_seconds=5)
        heartbeat.start()
        self.closing += [service.close, heartbeat.stop]
        tasks = {each.name: each for each in service.tasks}
        return Runner(
            "mailer", name, tasks, db=self.db, storage=self.storage, heartbeat=heartbeat, relay=_NoRelay(), threads=1
        )

    def run(self, job: UUID, worker: Runner | None = None) -> str:
        """A worker gets the job's hint; the task's state after."""
        self.book.make_due(self.task_id(job))
        (worker or self.worker()).execute("mailer.send", self.task_id(job))
        return str(self.book.task(job).state)

    def task_id(self, job: UUID) -> UUID:
        task_id: UUID = self.book.task(job).id
        return task_id

    def tries(self, job: UUID) -> list[MailDelivery]:
        return deliveries.history(self.db, self.task_id(job))

    def age_tries(self, job: UUID, seconds: float) -> None:
        """Time goes by."""
        with self.db.transaction() as connection:
            connection.execute(
                update(deliveries_table)
                .where(deliveries_table.c.task_id == self.task_id(job))
                .values(opened_at=later(-seconds))
            )

    def lines(self, job: UUID) -> list[str]:
        return [event.data["line"] for event in self.book.events(job) if event.type == "task.logged"]


class _NoRelay:
    def wake(self) -> None:
        """Tests deliver the hints."""


@pytest.fixture
def office(db: Database, storage: Storage, server: MailServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    made = Office(db, storage, monkeypatch, server.url)
    yield made
    for close in made.closing:
        close()


@pytest.fixture
def outbox(office: Office, tmp_path: Path) -> Path:
    """The office's mails are files in this folder instead."""
    folder = tmp_path / "outbox"
    office.settings(MAIL_URL=f"file://{folder}")
    return folder
