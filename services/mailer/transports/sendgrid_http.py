"""Runs the `sendgrid` package's HTTP on a socket that can be cut.

The package opens a connection for each call and has no hook between connecting and sending, where Bureau decides
whether the mail may still be handed over. The package offers `_make_request` as a seam for tests; it is used here.
"""

import http.client
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from python_http_client import Client
from sendgrid import SendGridAPIClient

from bureau.services.mailer.transports.base import DeliveryWindow
from bureau.services.mailer.transports.interruptible_socket import InterruptibleSocket
from bureau.stop_token import StopToken


@dataclass(frozen=True)
class Handover:
    """Decides, between connecting and sending, whether the mail may still leave."""

    wire: InterruptibleSocket
    window: DeliveryWindow
    stop: StopToken

    def begin(self) -> None:
        """Begins the handover; from here on only the window cuts.

        Raises `Stopped`, `TooLate` if it is too late, or OSError.
        """
        self.stop.check()
        self.window.check_begin()
        self.wire.commit()


def wired_client(
    key: str, url: str, handover: Handover, *, connect_timeout: float, timeout: float
) -> SendGridAPIClient:
    """Returns a client for one call. URLError means that the request was not sent whole."""
    api = SendGridAPIClient(key, host=url)
    api.client = _Client(url, handover, connect_timeout, api.client.request_headers, timeout)
    return api


class _Client(Client):  # type: ignore[misc]  # the package has no types
    def __init__(
        self,
        url: str,
        handover: Handover,
        connect_timeout: float,
        headers: dict[str, str],
        timeout: float,
        path: list[str] | None = None,
    ) -> None:
        super().__init__(host=url, request_headers=headers, version=3, url_path=path, timeout=timeout)
        self._handover = handover
        self._connect_timeout = connect_timeout

    def _build_client(self, name: str | None = None) -> "_Client":
        path = [*self._url_path, name] if name else self._url_path
        return _Client(self.host, self._handover, self._connect_timeout, self.request_headers, self.timeout, path)

    def _make_request(self, opener: Any, request: urllib.request.Request, timeout: float | None = None) -> Any:  # noqa: ARG002
        # It has no handler for redirects: urllib would follow one with a GET and drop the mail.
        own = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            _Handler(self._handover, self._connect_timeout),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.HTTPDefaultErrorHandler(),
        ):
            own.add_handler(handler)
        return super()._make_request(own, request, timeout=timeout)


class _Handler(urllib.request.HTTPSHandler):
    """Opens http and https on the handover's socket."""

    def __init__(self, handover: Handover, connect_timeout: float) -> None:
        super().__init__()
        self._handover = handover
        self._connect_timeout = connect_timeout

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._factory(_HttpConnection), request)

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._factory(_HttpsConnection), request)

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_

    def _factory(self, kind: Callable[..., Any]) -> Any:
        def connection(host: str, **arguments: Any) -> Any:
            made = kind(host, **arguments)
            made.handover = self._handover
            made._create_connection = self._create_connection
            return made

        return connection

    def _create_connection(self, address: tuple[str, int], timeout: float, _source: object) -> Any:
        sock = self._handover.wire.connect(*address, self._connect_timeout)
        sock.settimeout(timeout)
        return sock


class _HttpConnection(http.client.HTTPConnection):
    handover: Handover

    def connect(self) -> None:
        super().connect()
        self.handover.begin()


class _HttpsConnection(http.client.HTTPSConnection):
    handover: Handover

    def connect(self) -> None:
        super().connect()
        self.handover.wire.attach(self.sock)
        self.handover.begin()
