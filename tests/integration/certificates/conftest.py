"""A client of the certificates API pointed at a server of the test's, and what it received."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO

import pytest

from bureau.services.certificates.api.client import CertificatesApi, Exchange, RosterUpload
from bureau.services.certificates.issuer.settings import IssuerSettings
from bureau.services.certificates.service import certificates_api
from bureau.services.certificates.settings import CertificatesSettings
from bureau.stop_token import StopToken

LIMIT_BYTES = 300_000


@dataclass
class Call:
    """One call of the API, repeatable."""

    api: CertificatesApi
    stop: StopToken = field(default_factory=StopToken)
    received: bytearray = field(default_factory=bytearray)
    reports: list[tuple[float, float | None, str]] = field(default_factory=list)

    def __call__(self, *uploads: RosterUpload, key: str = "task-1") -> bytes:
        self.received.clear()
        self.api.issue(
            uploads or [RosterUpload("a.csv", "text/csv", BytesIO(b"recipient\nAda\n"))],
            Exchange(
                idempotency_key=key,
                fields={},
                stop=self.stop,
                limit_bytes=LIMIT_BYTES,
                write=self.received.extend,
                progress=lambda *report: self.reports.append(report),
            ),
        )
        return bytes(self.received)


@pytest.fixture
def call_to() -> Iterator[Callable[..., Call]]:
    """Makes a call to a URL, with a timeout."""
    made: list[CertificatesApi] = []

    def make(url: str, timeout_seconds: float = 20.0) -> Call:
        settings = CertificatesSettings(certificates_api=url, certificates_timeout_seconds=timeout_seconds)
        made.append(certificates_api(settings, IssuerSettings()))
        return Call(made[-1])

    yield make
    for api in made:
        api.close()
