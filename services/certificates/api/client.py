"""The client of the certificates API: multipart `files` in, `application/zip` out."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

import httpx

from bureau.contracts.errors import TaskError, TransientError
from bureau.contracts.outage import Outage
from bureau.metrics.upstream import called
from bureau.outage_counter import OutageCounter
from bureau.services.certificates.api.answers import MAX_ERROR_BODY_BYTES, encoded, not_a_zip, refusal, too_large
from bureau.services.certificates.api.in_process import CHECKPOINT
from bureau.services.certificates.api.interruptible import stopped_by
from bureau.services.certificates.api.polling import location, pause_seconds
from bureau.stop_token import StopToken

CHUNK_BYTES = 256 * 1024
ZIP_BEGINNING = b"PK"
ACCEPTED = 202


@dataclass(frozen=True)
class Upload:
    """A file to post; `file` is seekable and read in pieces."""

    name: str
    media_type: str
    file: BinaryIO


@dataclass(frozen=True)
class Exchange:
    """What one call needs besides the files. `progress` takes (current, total or None, unit); callbacks may raise."""

    idempotency_key: str
    stop: StopToken
    limit_bytes: int
    write: Callable[[bytes], object]
    progress: Callable[[float, float | None, str], None]


class CertificatesApi:
    """One pooled client a process, made on first use and so after any fork. Threads share it."""

    def __init__(
        self,
        url: str,
        transport: Callable[[], httpx.BaseTransport],
        *,
        timeout_seconds: float,
        connect_seconds: float,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`headers` go with every request, and may be secret."""
        self._url = url
        self._auth = _password_of(url)
        self._headers = dict(headers or {})
        self._transport = transport
        self._timeout = httpx.Timeout(timeout_seconds, connect=min(connect_seconds, timeout_seconds))
        self._lock = threading.Lock()
        self._made: httpx.Client | None = None
        self._outages = OutageCounter()

    def issue(self, uploads: Sequence[Upload], exchange: Exchange) -> None:
        """Posts the uploads and hands the archive to `exchange.write` piece by piece.

        Raises `TransientError` or `PermanentError` for every answer that is not a ZIP archive, and `Stopped`,
        with the connection closed, as soon as the token is set.
        """
        try:
            with stopped_by(exchange.stop):
                self._post(uploads, exchange)
        except httpx.TransportError as error:
            if not exchange.stop.reason:
                called("certificates", None)
            exchange.stop.check()  # a broken connection may be the stop token's doing
            raise self._outage(self._unreachable(error)) from error

    def trouble(self) -> list[Outage]:
        """That it failed several times on end. It is called all the same: its tasks have attempts to lose."""
        return self._outages.trouble("certificates API", "failing")

    def close(self) -> None:
        with self._lock:
            if self._made:
                self._made.close()
            self._made = None

    def _post(self, uploads: Sequence[Upload], exchange: Exchange) -> None:
        with self._client().stream(
            "POST",
            self._url,
            files=[("files", (upload.name, upload.file, upload.media_type)) for upload in uploads],
            headers={"Idempotency-Key": exchange.idempotency_key},
            extensions={CHECKPOINT: lambda done, total: exchange.progress(done, total, "certificates")},
        ) as response:
            later = self._answered(response, exchange)
        asked = 0
        while later is not None:
            address, seconds = later
            exchange.stop.wait(seconds)
            exchange.stop.check()
            asked += 1
            with self._client().stream("GET", address, auth=self._auth) as response:
                later = self._answered(response, exchange, address, asked)

    def _answered(
        self, response: httpx.Response, exchange: Exchange, address: str | None = None, asked: int = 0
    ) -> tuple[str, float] | None:
        """Receives the archive; or tells where to ask for it, in how many seconds."""
        called("certificates", response.status_code)
        now = datetime.now(UTC)
        if not response.is_success:
            raise self._outage(
                refusal(response.status_code, response.headers, _beginning(response, MAX_ERROR_BODY_BYTES), now)
            )
        self._outages.over()
        if response.status_code != ACCEPTED:
            _receive(response, exchange)
            return None
        given = response.headers.get("location")
        if given or address is None:
            address = location(self._url, given)
        exchange.progress(asked, None, "times asked for the archive")
        return address, pause_seconds(response.headers, asked, now)

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._made is None:
                self._made = httpx.Client(
                    transport=self._transport(),
                    timeout=self._timeout,
                    follow_redirects=False,
                    # A ZIP is compressed already, and decoding would expand pieces before they are counted.
                    headers={
                        "Accept": "application/zip, application/json;q=0.5",
                        "Accept-Encoding": "identity",
                        **self._headers,
                    },
                )
            return self._made

    def _outage(self, error: TaskError) -> TaskError:
        """Counts it where it may be over later; a refusal for good is an answer."""
        if isinstance(error, TransientError):
            self._outages.met(error.message)
        else:
            self._outages.over()
        return error

    def _unreachable(self, error: httpx.TransportError) -> TransientError:
        if isinstance(error, httpx.ConnectTimeout):
            what = f"did not accept a connection within {self._timeout.connect:g} s"
        elif isinstance(error, httpx.TimeoutException):
            what = f"did not answer within {self._timeout.read:g} s"
        elif isinstance(error, httpx.ConnectError):
            what = "cannot be reached"
        else:
            what = "broke the connection off"
        return TransientError("certificates_api_unreachable", f"The certificates API {what}.")


def _password_of(url: str) -> httpx.BasicAuth | None:
    """As httpx takes it from the address itself; addresses to poll come without."""
    address = httpx.URL(url)
    return httpx.BasicAuth(address.username, address.password) if address.userinfo else None


def _receive(response: httpx.Response, exchange: Exchange) -> None:
    encoding = response.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise encoded(encoding)
    announced = _announced_bytes(response)
    if announced is not None and announced > exchange.limit_bytes:
        raise too_large(exchange.limit_bytes)
    received = 0
    for piece in response.iter_raw(CHUNK_BYTES):
        if received == 0 and not piece.startswith(ZIP_BEGINNING):
            raise not_a_zip(response.status_code, response.headers.get("content-type"), piece)
        received += len(piece)
        if received > exchange.limit_bytes:
            raise too_large(exchange.limit_bytes)
        exchange.write(piece)
        exchange.progress(received, announced, "bytes")
    if received == 0:
        raise not_a_zip(response.status_code, response.headers.get("content-type"), b"")


def _announced_bytes(response: httpx.Response) -> int | None:
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


def _beginning(response: httpx.Response, limit_bytes: int) -> bytes:
    body = b""
    for piece in response.iter_raw():
        body += piece
        if len(body) >= limit_bytes:
            break
    return body[:limit_bytes]
