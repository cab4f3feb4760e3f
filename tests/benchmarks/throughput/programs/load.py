"""Posts e-mail jobs over kept connections and prints what it saw as JSON: `python -m … '{…}'`.

It uses one thread and prepared bytes, about 0.1 ms of CPU a request, so that the measured processes have the machine. A
connection sends its next request when the answer to the one before has arrived (a closed loop).
"""

import asyncio
import json
import sys
import time
from collections import deque
from dataclasses import dataclass, field

TEXT = "Hello Ada,\n\n" + "your order has left our warehouse and will be with you in two days.\n" * 6 + "\nThe shop\n"


@dataclass(frozen=True)
class Plan:
    """Says what to post. `tag` distinguishes the mails of one measurement from those of another."""

    port: int
    authorization: str
    tag: str
    jobs: int
    clients: int
    pause_seconds: float = 0.0  # of a client between an answer and its next request


@dataclass
class Seen:
    """Holds what was seen. Times are monotonic: all processes of the machine share that clock."""

    began: float = 0.0
    ended: float = 0.0
    seconds: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    reconnected: int = 0


def request(plan: Plan, number: int) -> bytes:
    mail = {"to": [f"{plan.tag}-{number}@example.com"], "subject": f"Your order {number}", "text": TEXT}
    body = json.dumps(mail).encode()
    head = (
        f"POST /v1/emails HTTP/1.1\r\nHost: 127.0.0.1:{plan.port}\r\nAuthorization: {plan.authorization}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Client(asyncio.Protocol):
    """Sends on one connection, and reports each answer to the run."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._answer = b""
        self._sent = b""
        self._at = 0.0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, data: bytes) -> None:
        self._sent, self._answer = data, b""
        self._at = time.monotonic()
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end or len(body) < content_length(head):
            return
        self._sent = b""
        self._run.answered(self, time.monotonic() - self._at, self._answer)

    def connection_lost(self, _error: Exception | None) -> None:
        """Tells the run. Servers end kept connections now and then; a request without an answer is an error."""
        self._run.lost(unanswered=bool(self._sent))


class Run:
    """Carries one plan out with all its clients."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._requests = deque(request(plan, number) for number in range(plan.jobs))
        self._open = plan.jobs
        self._done = asyncio.Event()
        self.seen = Seen()

    async def __call__(self) -> Seen:
        clients = [await self._connected() for _ in range(self._plan.clients)]
        self.seen.began = time.monotonic()
        for client in clients:
            self._next(client)
        await self._done.wait()
        return self.seen

    def answered(self, client: Client, seconds: float, answer: bytes) -> None:
        self.seen.ended = time.monotonic()
        self.seen.seconds.append(seconds)
        if not answer.startswith(b"HTTP/1.1 202"):
            self.seen.refused.append(answer[:2000].decode("utf-8", "replace"))
        self._open -= 1
        if not self._open:
            self._done.set()
        elif self._plan.pause_seconds:
            asyncio.get_running_loop().call_later(self._plan.pause_seconds, self._next, client)
        else:
            self._next(client)

    def lost(self, *, unanswered: bool) -> None:
        if unanswered:
            self.seen.refused.append("the connection was closed before the answer")
            self._done.set()
        elif self._requests:
            self.seen.reconnected += 1
            self._reconnecting = asyncio.get_running_loop().create_task(self._again())

    async def _again(self) -> None:
        self._next(await self._connected())

    async def _connected(self) -> Client:
        _, client = await asyncio.get_running_loop().create_connection(
            lambda: Client(self), "127.0.0.1", self._plan.port
        )
        return client

    def _next(self, client: Client) -> None:
        if self._requests:
            client.send(self._requests.popleft())


def content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError(f"an answer without Content-Length: {head!r}")


async def main() -> None:
    plan = Plan(**json.loads(sys.argv[1]))
    seen = await Run(plan)()
    print(json.dumps({**seen.__dict__, "cpu_seconds": time.process_time()}))


if __name__ == "__main__":
    asyncio.run(main())
