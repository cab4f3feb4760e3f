"""Measures the gateway under attacks by few or small requests: its memory, and how long /healthz takes meanwhile.

    python -m tests.benchmarks.attacks            # the gateway of the stack (gunicorn), then the embedded process
    python -m tests.benchmarks.attacks embedded   # only one of them

The bars of docs/security.md are 256 MB and one second. It exits with 1 where one of them is missed; on a machine that
does something else at the same time, repeat it before you believe a missed second.
"""

import http.client
import json
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.running.embedded import EmbeddedBureau
from tests.support.running.processes import ROOT, Process
from tests.support.servers.ports import free_port
from tests.support.waiting import until

MEGABYTES_AT_MOST = 256
SECONDS_AT_MOST = 1.0
WATCH_SECONDS = 0.02
SETTLED_SECONDS = 1.0  # an attack may have effects after its last answer

Headers = Mapping[str, str]
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Measured:
    """What was seen during one attack. `megabytes` is the largest of one process."""

    attack: str
    megabytes: float
    health_seconds: float
    answers: str

    @property
    def good(self) -> bool:
        return self.megabytes < MEGABYTES_AT_MOST and self.health_seconds < SECONDS_AT_MOST


def send(port: int, path: str, body: bytes, headers: Headers) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("POST" if body else "GET", path, body, {"Host": "localhost", **headers})
        return connection.getresponse().status
    except OSError:
        return 0  # closed without an answer
    finally:
        connection.close()


def many(count: int, path: str, body: bytes, headers: Headers = JSON) -> Callable[[int], str]:
    """Sends the same request `count` times at once."""

    def attack(port: int) -> str:
        with ThreadPoolExecutor(count) as pool:
            statuses = list(pool.map(lambda _: send(port, path, body, headers), range(count)))
        return ", ".join(f"{statuses.count(status)} x {status or 'closed'}" for status in sorted(set(statuses)))

    return attack


def held(count: int, data: bytes, seconds: float = 5.0) -> Callable[[int], str]:
    """Opens connections that send `data` and nothing more, and holds them."""

    def attack(port: int) -> str:
        with ExitStack() as stack:
            for _ in range(count):
                sock = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
                with suppress(OSError):
                    sock.sendall(data)
            time.sleep(seconds)
        return "held"

    return attack


def batch(tasks: list[dict[str, Any]], jobs: int = 1) -> bytes:
    return json.dumps({"jobs": [{"title": "x", "tasks": tasks}] * jobs}).encode()


def job(tasks: list[dict[str, Any]]) -> bytes:
    return json.dumps({"title": "x", "tasks": tasks}).encode()


def multipart(fields: int, size: int) -> bytes:
    part = b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n' + b"x" * size + b"\r\n"
    return b"".join(part % number for number in range(fields)) + b"--b--\r\n"


def _wrong(number: int) -> dict[str, Any]:
    return {"name": f"t{number}", "run": "nothing.such", "input": {"a": number}, "wrong": True}


_PAIRS = [{"name": f"t{n}", "run": "mailer.send", "input": {}, "after": [f"t{n ^ 1}"]} for n in range(1000)]
_ALL_BEFORE = [
    {"name": f"t{n}", "run": "mailer.send", "input": {}, "after": [f"t{m}" for m in range(n)]} for n in range(1000)
]
_MULTIPLYING = [
    {"name": "t0", "run": "mailer.send", "input": {"a": "x" * 10_000}},
    *(
        {
            "name": f"t{n}",
            "run": "mailer.send",
            "after": [f"t{n - 1}"],
            "input": {"a": [{"$result": f"/t{n - 1}"}] * 40},
        }
        for n in range(1, 100)
    ),
]
_NESTED = b'{"to": ["a@example.com"], "subject": "x", "text": "x", "context": {"a": ' + b"[" * 60 + b"[],"
NESTED = _NESTED + b"[]," * 4_900_000 + b"[]" + b"]" * 60 + b"}}"
SMALL_POST = b"POST /v1/emails HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

ATTACKS: dict[str, Callable[[int], str]] = {
    "a form of 16 MB of %41 at /login": many(4, "/login", b"password=" + b"%41" * 5_300_000, FORM),
    "the same at /theme": many(4, "/theme", b"theme=" + b"%41" * 5_300_000, FORM),
    "33 bodies of which one byte comes": held(33, SMALL_POST + b"Content-Length: 1000\r\n\r\n{"),
    "60 heads that never end": held(60, b"GET / HTTP/1.1\r\nHost: local"),
    "1,000 connections that send nothing": held(1000, b""),
    "36 waits": many(36, "/v1/jobs", job([_wrong(1)]), {**JSON, "Prefer": "wait=30"}),
    "846 unknown query parameters": many(8, "/healthz?" + "&".join(f"p{n}={n}" for n in range(846)), b"", {}),
    "10,000 unknown fields": many(4, "/v1/emails", json.dumps({f"f{n}": n for n in range(10_000)}).encode()),
    "3 jobs of 1,000 wrong tasks": many(2, "/v1/jobs/batch", batch([_wrong(n) for n in range(1000)], 3)),
    "5 jobs of 1,000 tasks in cycles of two": many(2, "/v1/jobs/batch", batch(_PAIRS, 5)),
    "1,000 tasks with all predecessors": many(2, "/v1/jobs", job(_ALL_BEFORE)),
    "a batch of one job of such tasks": many(2, "/v1/jobs/batch", batch(_ALL_BEFORE)),
    "references that multiply": many(4, "/v1/jobs", job(_MULTIPLYING)),
    "15 MB of nested lists": many(4, "/v1/emails", NESTED),
    "unknown fields of 4 MB": many(
        4, "/v1/certificates", multipart(10, 4_000_000), {"Content-Type": "multipart/form-data; boundary=b"}
    ),
}


class Watch:
    """Watches a gateway from the outside: the memory of its processes, and how long /healthz takes."""

    def __init__(self, port: int, pid: int) -> None:
        self.megabytes = self.health_seconds = 0.0
        self._port, self._pid = port, pid
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._remember), threading.Thread(target=self._ask)]

    def __enter__(self) -> "Watch":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _remember(self) -> None:
        while not self._done.wait(WATCH_SECONDS):
            self.megabytes = max(self.megabytes, *(resident(pid) for pid in _with_children(self._pid)))

    def _ask(self) -> None:
        while not self._done.wait(0.1):
            began = time.monotonic()
            healthy(self._port)
            self.health_seconds = max(self.health_seconds, time.monotonic() - began)


def healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def resident(pid: int) -> float:
    """Returns the resident megabytes of a process."""
    with suppress(OSError):
        found = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
        return int(found[0].split()[1]) / 1024 if found else 0.0
    return 0.0


def _with_children(pid: int) -> list[int]:
    found = [pid]
    with suppress(OSError):
        found += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return found


@contextmanager
def stack_gateway(folder: Path) -> Iterator[tuple[int, int]]:
    """Runs the gateway of the stack without RabbitMQ, which it does without; yields its port and process."""
    port = free_port()
    env = {
        "BIND": f"127.0.0.1:{port}",
        "BROKER_URL": "amqp://127.0.0.1:1",
        "DATABASE_URL": f"sqlite:///{folder}/bureau.db",
        "STORAGE_URL": f"file://{folder}/storage",
        "MALLOC_ARENA_MAX": "2",
        "RATE_LIMIT_PER_MINUTE": "0",
        "PYTHONPATH": str(ROOT),
    }
    config = "python:bureau.services.gateway.gunicorn_conf"
    command = [sys.executable, "-m", "gunicorn", "-c", config, "bureau.services.gateway.wsgi:app"]
    process = Process(command, log=folder / "log", env=env, cwd=folder)
    try:
        until(lambda: healthy(port), 60, "the gateway")
        yield port, process.pid
    finally:
        process.kill()


@contextmanager
def embedded(folder: Path) -> Iterator[tuple[int, int]]:
    with EmbeddedBureau(folder, env={"RATE_LIMIT_PER_MINUTE": "0"}) as bureau:
        bureau.start()
        yield bureau.port, bureau.process.pid


SERVERS = {"stack": stack_gateway, "embedded": embedded}


def measure(server: str) -> Iterator[Measured]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, SERVERS[server](Path(folder)) as (port, pid):
        for name, attack in ATTACKS.items():
            with Watch(port, pid) as watch:
                answers = attack(port)
                time.sleep(SETTLED_SECONDS)
            yield Measured(name, watch.megabytes, watch.health_seconds, answers)


def main(servers: list[str]) -> int:
    good = True
    for server in servers or list(SERVERS):
        print(f"\n{server:42} {'MB':>6} {'healthz':>8}  answers")
        for one in measure(server):
            good = good and one.good
            mark = "" if one.good else "  <- missed"
            print(f"{one.attack:42} {one.megabytes:6.0f} {one.health_seconds:6.2f} s  {one.answers}{mark}", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
