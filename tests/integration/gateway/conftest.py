"""A gateway in this process, on a real ledger (SQLite) and a real storage folder."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

import httpx
import pytest
from flask import Flask

from bureau.contracts.catalog import Catalog, ReportDescription, TaskDescription, TemplateDescription
from bureau.contracts.certificates import CertificatesIssued, IssueCertificates, TellIssueFailure
from bureau.contracts.ids import new_id
from bureau.contracts.mail.mail import MailSent, SendMail
from bureau.contracts.reports import GenerateReport, ReportGenerated
from bureau.ledger.db.database import Database
from bureau.ledger.dispatch import workers
from bureau.ledger.dispatch.hints import Hint
from bureau.ledger.dispatch.workers import NewWorker
from bureau.messaging.broker import BrokerKind
from bureau.services.gateway.app import create_app
from bureau.services.gateway.settings import GatewaySettings
from bureau.storage import Storage
from tests.integration.gateway.http.described import described_by
from tests.support.ledger.book import Book
from tests.support.ledger.ledgers import sqlite_ledger
from tests.support.routes import share_url_builders

SUMA = TaskDescription(
    name="shop.suma",
    description="a and b",
    queue="shop",
    input_schema={
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
    result_schema={"type": "integer"},
    time_limit_seconds=600,
)
PICTURE = TaskDescription(name="shop.picture", queue="shop", input_schema={"type": "object"}, result_schema={})
ISSUE = TaskDescription(
    name="certificates.issue",
    queue="certificates",
    input_schema=IssueCertificates.model_json_schema(),
    result_schema=CertificatesIssued.model_json_schema(),
)
TELL_ISSUE = TaskDescription(
    name="certificates.tell",
    queue="certificates",
    input_schema=TellIssueFailure.model_json_schema(),
    result_schema={},
)
GENERATE = TaskDescription(
    name="reports.generate",
    queue="reports",
    input_schema=GenerateReport.model_json_schema(),
    result_schema=ReportGenerated.model_json_schema(),
)
SEND = TaskDescription(
    name="mailer.send",
    queue="mailer",
    input_schema=SendMail.model_json_schema(),
    result_schema=MailSent.model_json_schema(),
    time_limit_seconds=120,
)
SALES = ReportDescription(
    name="sales",
    title="Monthly sales",
    source="demo",
    params_schema={
        "type": "object",
        "properties": {"since": {"type": "string", "format": "date"}, "limit": {"type": "integer", "minimum": 1}},
        "additionalProperties": False,
    },
)
CATALOGS = {
    "shop": Catalog(tasks=[SUMA, PICTURE]),
    "certificates": Catalog(tasks=[ISSUE, TELL_ISSUE]),
    "reports": Catalog(tasks=[GENERATE], reports=[SALES]),
    "mailer": Catalog(tasks=[SEND], templates=[TemplateDescription(name="welcome"), TemplateDescription(name="ready")]),
}


@dataclass
class CountingRelay:
    """Publishes nothing; counts how often it was woken, and what it was handed."""

    woken: int = 0
    published: list[UUID] = field(default_factory=list)
    healthy: bool = True
    last_error: str | None = None
    broker_kind: BrokerKind = "amqp"

    def wake(self) -> None:
        self.woken += 1

    def defer(self, action: Callable[[], None]) -> None:
        action()

    def publish(self, stamped: Iterable[tuple[str, Hint]]) -> None:
        self.published += [hint.task_id for _, hint in stamped]


@dataclass
class Door:
    """The gateway as a client sees it, and what stands behind it."""

    client: httpx.Client
    app: Flask
    db: Database
    storage: Storage
    relay: CountingRelay
    stopping: Event
    book: Book = field(init=False)

    def __post_init__(self) -> None:
        self.book = Book(self.db)

    def announce(self, service: str, catalog: Catalog | None = None) -> None:
        """A live worker of the service."""
        worker = NewWorker(
            id=f"{service}-{new_id()}",
            service=service,
            queue=service,
            version="1",
            host="here",
            pid=1,
            threads=8,
            catalog=catalog or CATALOGS[service],
        )
        workers.register(self.db, worker)

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.client.post(path, json=body, **more) if body is not None else self.client.post(path, **more)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(path, headers=headers)

    def stored(self) -> list[str]:
        """Every key in storage, probes aside."""
        return sorted(key for key in self.storage.list("") if not key.startswith("probes/"))


def make_door(folder: Path, settings: GatewaySettings | None = None) -> Door:
    """The caller closes its client and database."""
    share_url_builders()
    db = sqlite_ledger(folder)
    storage = Storage.from_url(f"file://{folder}/storage")
    relay, stopping = CountingRelay(), Event()
    app = create_app(settings or GatewaySettings(), db, storage, relay, stopping=stopping)
    transport = httpx.WSGITransport(app=app, raise_app_exceptions=False)
    hooks = {"response": [described_by(app)]}
    client = httpx.Client(transport=transport, base_url="http://localhost:8600", event_hooks=hooks)
    return Door(client, app, db, storage, relay, stopping)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """With a live worker of every service."""
    opened = make_door(tmp_path)
    for service in CATALOGS:
        opened.announce(service)
    yield opened
    opened.client.close()
    opened.db.close()


@pytest.fixture
def empty_door(tmp_path: Path) -> Iterator[Door]:
    """No worker ever started."""
    opened = make_door(tmp_path)
    yield opened
    opened.client.close()
    opened.db.close()


def pointers(answer: httpx.Response) -> list[str]:
    """Where the mistakes of a problem are."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return [error.get("pointer") or error.get("parameter") or error["header"] for error in answer.json()["errors"]]
