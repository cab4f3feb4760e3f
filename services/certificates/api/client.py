"""Calls the certificates API: posts multipart `files` and receives `application/zip`.

httpx is imported at the first call, because with all its imports it takes a twelfth of a worker's start.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bureau.contracts.errors import TaskError, TransientError
from bureau.contracts.outage import Outage
from bureau.metrics.upstream import called
from bureau.process.outage_counter import OutageCounter
from bureau.services.certificates.api.answers import MAX_ERROR_BODY_BYTES, encoded, not_a_zip, refusal, too_large
from bureau.services.certificates.api.multipart import Multipart, RosterUpload
from bureau.services.certificates.api.polling import location, pause_seconds
from bureau.services.certificates.api.silence import Silence
from bureau.threads import in_thread

if TYPE_CHECKING:
    import httpx

ZIP_BEGINNING = b"PK"
ACCEPTED = 202
CHECKPOINT = "bureau.checkpoint"  # a request's extension: called with (certificates done, all), may raise


@dataclass(frozen=True)
class Exchange:
    """Holds what one call needs besides the files.

    `fields` are sent as parts of the form. `progress` takes (current, total or None, unit); callbacks may raise.
    """

    idempotency_key: str
    fields: Mapping[str, str]
    limit_bytes: int
    write: Callable[[bytes], Awaitable[object]]
    progress: Callable[[float, float | None, str], None]


class CertificatesApi:
    """Holds one pooled client for a process. It is created on first use, on the event loop of the tasks."""

    def __init__(
        self,
        url: str,
        transport: "Callable[[], httpx.AsyncBaseTransport]",
        *,
        timeout_seconds: float,
        connect_seconds: float,
        headers: Mapping[str, str] | None = None,
        built_in: bool = False,
    ) -> None:
        """Sets the API and its headers.

        `headers` are sent with every request and may be secret. `built_in`: it is the issuer in this process.
        """
        self.name = "the certificate issuer" if built_in else "the certificates API"
        self._built_in = built_in
        self._url = url
        self._headers = dict(headers or {})
        self._transport = transport
        self._timeout_seconds = timeout_seconds
        self._connect_seconds = min(connect_seconds, timeout_seconds)
        self._making = asyncio.Lock()
        self._made: httpx.AsyncClient | None = None
        self._outages = OutageCounter()

    async def issue(self, uploads: Sequence[RosterUpload], exchange: Exchange) -> None:
        """Posts the uploads and hands the archive to `exchange.write` piece by piece.

        Raises `TransientError` or `PermanentError` for every answer that is not a ZIP archive. A cancel closes the
        connection.
        """
        import httpx

        try:
            await self._post(uploads, exchange)
        except httpx.TransportError as error:
            called("certificates", None)
            raise self._outage(self._unreachable(error)) from error
        except TimeoutError as error:
            called("certificates", None)
            raise self._outage(self._silent()) from error

    def trouble(self) -> list[Outage]:
        """Returns an outage after several failures in a row. The API is called all the same: tasks have attempts."""
        return self._outages.trouble(self.name.removeprefix("the "), "failing")

    async def close(self) -> None:
        if self._made:
            await self._made.aclose()
        self._made = None

    async def _post(self, uploads: Sequence[RosterUpload], exchange: Exchange) -> None:
        import httpx

        client = await self._client()
        password = _password_of(self._url)
        form = Multipart(exchange.fields, uploads)
        async with (
            self._silence() as silence,
            client.stream(
                "POST",
                httpx.URL(self._url).copy_with(userinfo=b""),
                content=silence.watched(await form.content()),
                auth=password,
                headers={"Idempotency-Key": exchange.idempotency_key, **form.headers},
                extensions={CHECKPOINT: lambda done, total: exchange.progress(done, total, "certificates")},
            ) as response,
        ):
            later = await self._answered(response, exchange, silence)
        asked = 0
        while later is not None:
            address, seconds = later
            await asyncio.sleep(seconds)
            asked += 1
            async with (
                self._silence() as silence,
                client.stream("GET", address, auth=password) as response,
            ):
                later = await self._answered(response, exchange, silence, address, asked)

    def _silence(self) -> Silence:
        return Silence(self._timeout_seconds, before_first=self._connect_seconds)

    async def _answered(
        self,
        response: "httpx.Response",
        exchange: Exchange,
        silence: Silence,
        address: str | None = None,
        asked: int = 0,
    ) -> tuple[str, float] | None:
        """Receives the archive, or returns where to ask for it, and in how many seconds."""
        called("certificates", response.status_code)
        now = datetime.now(UTC)
        if not response.is_success:
            body = await _beginning(silence.watched(response.aiter_raw()), MAX_ERROR_BODY_BYTES)
            raise self._outage(refusal(response.status_code, response.headers, body, now, built_in=self._built_in))
        self._outages.over()
        if response.status_code != ACCEPTED:
            await _receive(response, exchange, silence)
            return None
        given = response.headers.get("location")
        if given or address is None:
            address = location(self._url, given)
        exchange.progress(asked, None, "requests for the archive")
        return address, pause_seconds(response.headers, asked, now)

    async def _client(self) -> "httpx.AsyncClient":
        async with self._making:
            if self._made is None:
                self._made = await in_thread(self._make)  # imports and certificates would block the loop
            return self._made

    def _make(self) -> "httpx.AsyncClient":
        import httpx

        return httpx.AsyncClient(
            transport=self._transport(),
            timeout=httpx.Timeout(None, connect=self._connect_seconds),  # `Silence` watches the rest
            follow_redirects=False,
            # A ZIP is compressed already, and decoding would expand pieces before they are counted.
            headers={
                "Accept": "application/zip, application/json;q=0.5",
                "Accept-Encoding": "identity",
                **self._headers,
            },
        )

    def _outage(self, error: TaskError) -> TaskError:
        """Counts a transient error as an outage. A permanent refusal is an answer, and ends one."""
        if isinstance(error, TransientError):
            self._outages.met(error.message)
        else:
            self._outages.over()
        return error

    def _unreachable(self, error: "httpx.TransportError") -> TransientError:
        import httpx

        if isinstance(error, httpx.ConnectTimeout):
            what = f"did not accept a connection within {self._connect_seconds:g} s"
        elif isinstance(error, httpx.ConnectError):
            what = "cannot be reached"
        elif isinstance(error, httpx.TimeoutException):
            return self._silent()
        else:
            what = "broke off the connection"
        return TransientError("certificates_api_unreachable", f"T{self.name[1:]} {what}.")

    def _silent(self) -> TransientError:
        what = f"T{self.name[1:]} did not answer within {self._timeout_seconds:g} s."
        return TransientError("certificates_api_unreachable", what)


def _password_of(url: str) -> "httpx.BasicAuth | None":
    """Returns the password in the address, as httpx takes it; the addresses that are polled come without it."""
    import httpx

    address = httpx.URL(url)
    return httpx.BasicAuth(address.username, address.password) if address.userinfo else None


async def _receive(response: "httpx.Response", exchange: Exchange, silence: Silence) -> None:
    encoding = response.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise encoded(encoding)
    announced = _announced_bytes(response)
    if announced is not None and announced > exchange.limit_bytes:
        raise too_large(exchange.limit_bytes)
    received = 0
    async for piece in silence.watched(response.aiter_raw()):
        if received == 0 and not piece.startswith(ZIP_BEGINNING):
            raise not_a_zip(response.status_code, response.headers.get("content-type"), piece)
        received += len(piece)
        if received > exchange.limit_bytes:
            raise too_large(exchange.limit_bytes)
        await exchange.write(piece)
        exchange.progress(received, announced, "bytes")
    if received == 0:
        raise not_a_zip(response.status_code, response.headers.get("content-type"), b"")


def _announced_bytes(response: "httpx.Response") -> int | None:
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


async def _beginning(pieces: AsyncIterator[bytes], limit_bytes: int) -> bytes:
    body = b""
    async for piece in pieces:
        body += piece
        if len(body) >= limit_bytes:
            break
    return body[:limit_bytes]
