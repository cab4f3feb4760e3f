"""A client of the certificates API pointed at a server of the test's, and what it received."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO

import pytest

from bureau.runtime.coroutines.event_loop import EventLoop
from bureau.services.certificates.api.client import CertificatesApi, Exchange
from bureau.services.certificates.api.multipart import RosterUpload
from bureau.services.certificates.issuer.settings import IssuerSettings
from bureau.services.certificates.service import certificates_api
from bureau.services.certificates.settings import CertificatesSettings
from bureau.stop_token import StopToken
from bureau.task_files import AsyncFile
from tests.support.on_loop import run_on

LIMIT_BYTES = 300_000


@dataclass
class Call:
    """One call of the API, repeatable."""

    api: CertificatesApi
    loop: EventLoop
    stop: StopToken = field(default_factory=StopToken)
    received: bytearray = field(default_factory=bytearray)
    reports: list[tuple[float, float | None, str]] = field(default_factory=list)

    def __call__(self, *uploads: RosterUpload, key: str = "task-1") -> bytes:
        self.received.clear()
        exchange = Exchange(
            idempotency_key=key,
            fields={},
            limit_bytes=LIMIT_BYTES,
            write=self._write,
            progress=lambda *report: self.reports.append(report),
        )
        sent = uploads or [upload("a.csv", "text/csv", BytesIO(b"recipient\nAda\n"))]
        run_on(self.loop, self.stop, self.api.issue(sent, exchange))
        return bytes(self.received)

    async def _write(self, piece: bytes) -> None:
        self.received.extend(piece)


def upload(name: str, media_type: str, file: BytesIO) -> RosterUpload:
    return RosterUpload(name, media_type, file.getbuffer().nbytes, AsyncFile(file))


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    """An event loop in a thread of its own, as a worker has it."""
    made = EventLoop()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def call_to(loop: EventLoop) -> Iterator[Callable[..., Call]]:
    """Makes a call to a URL, with a timeout."""
    made: list[CertificatesApi] = []

    def make(url: str, timeout_seconds: float = 20.0) -> Call:
        settings = CertificatesSettings(certificates_api=url, certificates_timeout_seconds=timeout_seconds)
        made.append(certificates_api(settings, IssuerSettings()))
        return Call(made[-1], loop)

    yield make
    for api in made:
        loop.wait_for(api.close())
