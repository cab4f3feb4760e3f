"""Reads server-sent events as a browser's EventSource does; it can leave, or stop reading, at any moment."""

import http.client
import json
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

from tests.support.waiting import until


class Listener:
    """Listens in a thread of its own until the stream ends, or `leave` is called.

    `events` are the data received, `ids` the ids that a browser would send back as Last-Event-ID.
    """

    def __init__(self, port: int, path: str, *, last: int | None = None, headers: Mapping[str, str] | None = None):
        self.events: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.comments = 0
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        sent = {"Accept": "text/event-stream", **(headers or {})}
        if last is not None:
            sent["Last-Event-ID"] = str(last)
        self._connection.request("GET", path, headers=sent)
        assert self._connection.sock is not None
        self._socket: socket.socket = self._connection.sock
        self._response = self._connection.getresponse()
        self.status = self._response.status
        self.headers = dict(self._response.getheaders())
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        if self.status == 200:
            assert self._begun.wait(20), f"nothing came from {path}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.leave()

    @property
    def ended(self) -> bool:
        """Whether the server ended the stream."""
        return not self._thread.is_alive()

    @property
    def last(self) -> int | None:
        return int(self.ids[-1]) if self.ids else None

    @property
    def lines(self) -> list[str]:
        """What tasks logged."""
        return [event["data"]["line"] for event in self.events if event["type"] == "task.logged"]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def wait_for(self, count: int, seconds: float = 20.0) -> None:
        """Until so many events were told."""
        until(lambda: len(self.events) >= count, seconds, lambda: f"{count} events, there are {self.events}")

    def wait_for_end(self, seconds: float = 20.0) -> None:
        until(lambda: self.ended, seconds, lambda: f"the end after {self.events[-3:]}")

    def leave(self) -> None:
        """Closes the connection, as a browser's tab does."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._connection.close()
        self._socket.close()

    def _listen(self) -> None:
        fields: dict[str, str] = {}
        with suppress(OSError, http.client.HTTPException, ValueError, AttributeError):  # left meanwhile
            for raw in self._response:
                line = raw.decode().rstrip("\n")
                if line:
                    name, _, value = line.partition(":")
                    fields[name] = value.removeprefix(" ")
                    continue
                self._take(fields)
                fields = {}

    def _take(self, fields: Mapping[str, str]) -> None:
        if "" in fields:
            self.comments += 1
        if "data" in fields:
            if "id" in fields:
                self.ids.append(fields["id"])
            self.events.append(json.loads(fields["data"]))
        self._begun.set()


class Deaf:
    """Requests a stream and never reads from it. Close it at the end."""

    def __init__(self, port: int, path: str) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(("127.0.0.1", port))
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.close()
