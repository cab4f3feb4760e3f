"""Ways of sending an attack. Each returns what came of it, in a few words."""

import http.client
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any

import pika

from bureau.contracts.ids import new_id
from bureau.messaging.broker import hint
from tests.benchmarks.attacks.servers import Target
from tests.support.waiting import until

Attack = Callable[[Target], str]
Headers = Mapping[str, str]

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ENDS_SECONDS = 300.0
WINDOW_BYTES = 1024  # what a client takes that reads nothing
ADDRESSES = 50


def many(count: int, path: str, body: bytes, headers: Headers = JSON) -> Attack:
    """Sends the same request `count` times at once."""
    return lambda target: _sent(target.port, [path] * count, body, headers)


def waits(count: int) -> Attack:
    """Waits with `Prefer: wait` over a signed link, for a job that begins in some years."""

    def attack(target: Target) -> str:
        mail = {"to": ["ada@example.com"], "subject": "Later", "text": "x", "run_at": "2099-01-01T00:00:00Z"}
        job = target.api.submit("/v1/emails", json=mail)
        link = target.api.client.post(f"/v1/jobs/{job['id']}/links", json={}).json()["url"]
        path = "/" + link.split("/", 3)[3]
        return _sent(target.port, [path] * count, b"", {"Prefer": "wait=30"})

    return attack


def held(count: int, data: bytes, seconds: float = 5.0, *, addresses: int = 1) -> Attack:
    """Opens connections that send `data`, and nothing more, and read nothing; holds them."""

    def attack(target: Target) -> str:
        with ExitStack() as stack:
            for number in range(count):
                sock = stack.enter_context(socket.socket())
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW_BYTES)
                sock.settimeout(30)
                sock.bind((f"127.0.2.{number % addresses + 1}", 0))
                with suppress(OSError):
                    sock.connect(("127.0.0.1", target.port))
                    sock.sendall(data)
            time.sleep(seconds)
        return "held"

    return attack


def dripping(count: int, head: bytes, seconds: float = 5.0) -> Attack:
    """Opens connections that send `head`, and then one byte after the other, as fast as they can."""

    def attack(target: Target) -> str:
        sent, ends = 0, time.monotonic() + seconds
        with ExitStack() as stack:
            sockets = [stack.enter_context(socket.create_connection(("127.0.0.1", target.port))) for _ in range(count)]
            for sock in sockets:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.sendall(head)
                sock.setblocking(False)
            while time.monotonic() < ends:
                for sock in sockets:
                    with suppress(OSError):
                        sent += sock.send(b"a")
        return f"{sent:,} bytes"

    return attack


def work(count: int, path: str, **request: Any) -> Attack:
    """Submits a job `count` times, and waits until all have ended."""

    def attack(target: Target) -> str:
        jobs = [target.api.submit(path, **request) for _ in range(count)]
        ended = Counter(_outcome(target.api.ended(job, ENDS_SECONDS)) for job in jobs)
        return ", ".join(f"{number} x {outcome}" for outcome, number in sorted(ended.items()))

    return attack


def forged_hints(count: int) -> Attack:
    """Publishes hints for tasks that do not exist, and tells how long a real mail takes then."""

    def attack(target: Target) -> str:
        if not target.broker_url:
            return "no broker"
        with pika.BlockingConnection(pika.URLParameters(target.broker_url)) as connection:
            channel = connection.channel()
            for _ in range(count):
                channel.basic_publish("", "mailer", hint("mailer", "mailer.send", new_id()).encode())
        began = time.monotonic()
        mail = {"to": ["ada@example.com"], "subject": "After", "text": "x"}
        target.api.succeeded(target.api.submit("/v1/emails", json=mail), ENDS_SECONDS)
        return f"a mail took {time.monotonic() - began:.1f} s"

    return attack


def _sent(port: int, paths: list[str], body: bytes, headers: Headers) -> str:
    with ThreadPoolExecutor(len(paths)) as pool:
        statuses = Counter(pool.map(lambda path: _status(port, path, body, headers), paths))
    return ", ".join(f"{number} x {status or 'closed'}" for status, number in sorted(statuses.items()))


def _status(port: int, path: str, body: bytes, headers: Headers) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("POST" if body else "GET", path, body, {"Host": "localhost", **headers})
        return connection.getresponse().status
    except OSError:
        return 0  # closed without an answer
    finally:
        connection.close()


def _outcome(job: Mapping[str, Any]) -> str:
    return str(job["error"]["code"] if job["error"] else job["state"])


def quiet(target: Target) -> None:
    """Waits until nothing that an attack began is left."""
    states = {"state": ["queued", "running"], "limit": 1}
    until(lambda: not target.api.get("/v1/jobs", params=states)["items"], ENDS_SECONDS, "the end of all jobs")
