"""Runs the SMTP sink in a process of its own, and asks it what it saw."""

import json
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.support.running.processes import Process
from tests.support.servers.ports import free_port, listens

LOOK_SECONDS = 0.05
STALLED_SECONDS = 120.0


@dataclass(frozen=True)
class Mails:
    """Holds the monotonic times at which mails arrived, in order, and the number of different recipients."""

    times: list[float]
    recipients: int


class MailSink:
    """Receives the mails of both stacks. As a context manager it runs from the start of the block to its end."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._log = folder / "sink.log"

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.benchmarks.throughput.programs.mail_sink", str(self.port)]
        self.process = Process(command, log=self._log)
        self.process.wait_until(lambda: listens(self.port), 20, "the sink listens")
        self._connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        self._lines = self._connection.makefile("rb")
        self._lines.readline()
        return self

    def __exit__(self, *exc: object) -> None:
        self._connection.close()
        self.process.kill()

    def reset(self) -> None:
        self._ask("XRESET")

    def count(self) -> int:
        return int(self._ask("XCOUNT"))

    def mails(self) -> Mails:
        found: dict[str, Any] = json.loads(self._ask("XTIMES"))
        return Mails(**found)

    def wait_for(self, count: int) -> int:
        """Returns the number of mails once it is at least `count`. AssertionError where none comes for two minutes."""
        last, since = -1, time.monotonic()
        while (now := self.count()) < count:
            if now != last:
                last, since = now, time.monotonic()
            if time.monotonic() - since > STALLED_SECONDS:
                raise AssertionError(f"no mail came for {STALLED_SECONDS:.0f} s, after {now} of {count}")
            time.sleep(LOOK_SECONDS)
        return now

    def _ask(self, command: str) -> bytes:
        self._connection.sendall(f"{command}\r\n".encode())
        return self._lines.readline()
