"""Simulates the outside world of the fault suite, a mail provider and a certificates API, and counts its calls."""

import io
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.servers.http_servers import Behaviour, HttpExchange, http_server
from tests.support.servers.mail_servers import MailServer, mail_server

# Outside services take their time: so there is work in every worker's hands when a fault strikes.
MAIL_SECONDS = 0.3
API_SECONDS = 0.6

# What a healthy mail server answers; a trouble replaces some of it.
_HEALTHY: dict[str, Any] = {
    "greeting": None,
    "to_sender": None,
    "to_recipients": {},
    "to_data": None,
    "in_data": None,
    "to_content": None,
}


class CountingMail:
    """Simulates the mail provider. `trouble` and `recover` change its answers while it runs."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self.url = f"{server.url}?starttls=never"

    def trouble(self, **answers: Any) -> None:
        """`answers` are fields of `MailServer`."""
        for name, answer in {**_HEALTHY, **answers}.items():
            setattr(self._server, name, answer)

    def recover(self) -> None:
        self.trouble()

    @property
    def held(self) -> int:
        """How many clients wait for an answer that does not come."""
        return self._server.waiting

    def accepted(self) -> Counter[tuple[str, str]]:
        """How often each recipient of each Message-ID was accepted."""
        return Counter(
            (mail.message_id, recipient) for mail in list(self._server.mails) for recipient in mail.recipients
        )


@contextmanager
def counting_mail() -> Iterator[CountingMail]:
    with mail_server(seconds=MAIL_SECONDS) as server:
        yield CountingMail(server)


class TwoProviders(CountingMail):
    """Simulates two providers in the order of MAIL_URL. Trouble affects the first; accepted mails count together."""

    def __init__(self, first: MailServer, second: MailServer) -> None:
        super().__init__(first)
        self.second = CountingMail(second)
        self.url = f"{self.url},{self.second.url}"

    def accepted(self) -> Counter[tuple[str, str]]:
        return super().accepted() + self.second.accepted()

    def by_both(self) -> set[tuple[str, str]]:
        """What one of them accepted after the other."""
        return super().accepted().keys() & self.second.accepted().keys()


@contextmanager
def two_providers() -> Iterator[TwoProviders]:
    with mail_server(seconds=MAIL_SECONDS) as first, mail_server(seconds=MAIL_SECONDS) as second:
        yield TwoProviders(first, second)


def _archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("certificate.pdf", b"%PDF-1.7 " + bytes(range(256)) * 16)
    return file.getvalue()


ARCHIVE = _archive()


def issues(exchange: HttpExchange) -> None:
    """What the certificates API answers when it is well."""
    threading.Event().wait(API_SECONDS)
    exchange.start(200, {"Content-Type": "application/zip", "Content-Length": str(len(ARCHIVE))})
    exchange.write(ARCHIVE)


@dataclass
class CountingApi:
    """Simulates the certificates API. `behaviour` is how it answers; requests are counted by Idempotency-Key."""

    url: str = ""
    behaviour: Behaviour = issues
    requests: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def recover(self) -> None:
        self.behaviour = issues

    def answer(self, exchange: HttpExchange) -> None:
        with self._lock:
            self.requests[str(exchange.received.headers["Idempotency-Key"])] += 1
        self.behaviour(exchange)


@contextmanager
def counting_api() -> Iterator[CountingApi]:
    api = CountingApi()
    with http_server(api.answer) as server:
        api.url = f"{server.url}/"
        yield api
