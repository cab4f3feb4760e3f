"""Shares servers among all processes of a test run.

The process that starts the others has the only keeper: it starts each server once, when the first test asks for it, and
stops all of them at the end.
"""

import json
import socket
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers.postgres import PostgreSQL
from tests.support.servers.rabbitmq import RabbitMQ
from tests.support.servers.s3 import s3_server

Address = dict[str, Any]  # what a client needs to know of a server
Start = Callable[[], AbstractContextManager[Address]]
Ask = Callable[[str], Address]


@contextmanager
def _rabbitmq() -> Iterator[Address]:
    with RabbitMQ() as node:
        yield asdict(node.vhosts)


@contextmanager
def _postgres() -> Iterator[Address]:
    """Without fsync: who breaks a server has a private one."""
    with PostgreSQL(durable=False) as cluster:
        yield {"url": cluster.url, "log": str(cluster.log)}


@contextmanager
def _s3() -> Iterator[Address]:
    with tempfile.TemporaryDirectory() as folder, s3_server(Path(folder)) as server:
        yield asdict(server)


STARTS: Mapping[str, Start] = {"rabbitmq": _rabbitmq, "postgres": _postgres, "s3": _s3}


class Keeper:
    """Starts and stops the servers."""

    def __init__(self, starts: Mapping[str, Start] = STARTS) -> None:
        self._starts = starts
        self._found: dict[str, Address | str] = {}  # a text says why there is none: nobody tries again
        self._lock = threading.Lock()
        self._running = ExitStack()

    def ask(self, name: str) -> Address:
        """The address of a server, which is running then. AssertionError where it cannot be had."""
        with self._lock:
            if name not in self._found:
                self._found[name] = self._start(name)
            found = self._found[name]
        assert not isinstance(found, str), f"there is no {name} for the tests: {found}"
        return found

    def _start(self, name: str) -> Address | str:
        try:
            return self._running.enter_context(self._starts[name]())
        except (Exception, pytest.exit.Exception) as error:  # noqa: BLE001  # whatever it is, every test that needs it says so
            return str(error)

    def listen(self) -> str:
        """Answers other processes of this user from now on; the path of its socket, for `ask_at`."""
        folder = self._running.enter_context(tempfile.TemporaryDirectory(prefix="bureau-servers-"))
        server = _Listener(str(Path(folder, "socket")), self.ask)
        self._running.callback(server.server_close)
        self._running.callback(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return str(server.server_address)

    def close(self) -> None:
        self._running.close()


class _Listener(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str, ask: Ask) -> None:
        self.ask = ask
        super().__init__(path, _Answer)


class _Answer(socketserver.StreamRequestHandler):
    """Answers a line that names a server with a line of JSON: its address, or why there is none."""

    server: _Listener

    def handle(self) -> None:
        name = self.rfile.readline().decode().strip()
        answer: dict[str, Any]
        try:
            answer = {"address": self.server.ask(name)}
        except AssertionError as error:
            answer = {"error": str(error)}
        self.wfile.write(json.dumps(answer).encode() + b"\n")


def ask_at(path: str) -> Ask:
    """What `Keeper.ask` is, for another process."""

    def ask(name: str) -> Address:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            connection.sendall(f"{name}\n".encode())
            answer: dict[str, Any] = json.loads(connection.makefile().readline())
        assert "error" not in answer, answer["error"]
        address: Address = answer["address"]
        return address

    return ask
