"""Submits the load of a round: jobs of every kind, sent over HTTP by a client that does not give up."""

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

ROSTER = "recipient,course\nAda Lovelace,Welding\n"
THREADS = 6
BATCH = 25
LATE_SECONDS = 0.3  # between two late requests; a killed gateway is back within some seconds
BUSY_TRIES = 5  # a key held by a request whose gateway died is free after two minutes: then with a new key

Request = tuple[str, dict[str, Any]]


@dataclass
class Load:
    """Records what was accepted, by kind.

    `refused` counts answers other than 202: the gateway or the ledger was away.
    """

    url: str
    accepted: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    refused: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    struck: threading.Event = field(default_factory=threading.Event)
    healed: threading.Event = field(default_factory=threading.Event)
    _stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def job_ids(self) -> list[str]:
        with self._lock:
            return [job_id for ids in self.accepted.values() for job_id in ids]

    def submit(self, kinds: Sequence[str], *, seconds: float = 0.1, late: int = 0) -> None:
        """Submits a job of each of `kinds`; returns when all are accepted.

        Two of five and all certificates are requests of their own; the rest come in between as a rush, in batches: no
        worker keeps up with that. The last `late` requests wait until `struck` is set, and come one by one until
        `healed` is: a fault finds requests under way, however fast the gateway accepted all others.
        """
        made = [(kind, *KINDS[kind](number, seconds)) for number, kind in enumerate(kinds)]
        own = [job for number, job in enumerate(made) if number % 5 < 2 or "files" in job[2]]
        rush = [job for number, job in enumerate(made) if number % 5 >= 2 and "files" not in job[2]]
        with ThreadPoolExecutor(THREADS) as pool, httpx.Client(base_url=self.url, timeout=30) as client:
            sent = [pool.submit(self._one, client, *job) for job in own[: len(own) // 3]]
            sent += [pool.submit(self._batch, client, rush[n : n + BATCH]) for n in range(0, len(rush), BATCH)]
            sent += [pool.submit(self._one, client, *job) for job in own[len(own) // 3 : len(own) - late]]
            for done in sent:
                done.result()
            for job in own[len(own) - late :]:
                self.struck.wait()
                self._one(client, *job)
                self.healed.wait(LATE_SECONDS)

    def stop(self) -> None:
        """Gives up what is not accepted yet."""
        self._stopped.set()
        self.struck.set()
        self.healed.set()

    def _one(self, client: httpx.Client, kind: str, path: str, request: Mapping[str, Any]) -> None:
        if job := self._until_accepted(client, path, request):
            self._accept([(kind, job["id"])])

    def _batch(self, client: httpx.Client, jobs: Sequence[tuple[str, str, Mapping[str, Any]]]) -> None:
        body = {"jobs": [_graph(path, request["json"]) for _, path, request in jobs]}
        if accepted := self._until_accepted(client, "/v1/jobs/batch", {"json": body}):
            self._accept([(kind, item["id"]) for (kind, _, _), item in zip(jobs, accepted["items"], strict=True)])

    def _accept(self, jobs: Sequence[tuple[str, str]]) -> None:
        with self._lock:
            for kind, job_id in jobs:
                self.accepted[kind].append(job_id)

    def _until_accepted(self, client: httpx.Client, path: str, request: Mapping[str, Any]) -> Any:
        """The JSON of the 202; None where the load was stopped before."""
        key, busy = uuid4().hex, 0
        while not self._stopped.is_set():
            try:
                answer = client.post(path, headers={"Idempotency-Key": key}, **request)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 202:
                return answer.json()
            if answer is not None and answer.status_code not in (409, 502, 503):
                raise AssertionError(f"{path} was refused: {answer.status_code} {answer.text}")
            busy += answer is not None and answer.status_code == 409
            if busy >= BUSY_TRIES:
                key, busy = uuid4().hex, 0
            with self._lock:
                self.refused += 1
            self._stopped.wait(random.uniform(0.1, 0.5))
        return None


def mixed(number: int, shares: Mapping[str, int], seed: int) -> list[str]:
    """`number` kinds in their shares, shuffled."""
    whole = [kind for kind, share in shares.items() for _ in range(share)]
    kinds = (whole * (number // len(whole) + 1))[:number]
    random.Random(seed).shuffle(kinds)
    return kinds


def _email(number: int, _seconds: float) -> Request:
    to = [f"ada{number}@example.com", f"bob{number}@example.com"]
    return "/v1/emails", {"json": {"to": to, "subject": f"Number {number}", "text": "A text."}}


def _work(number: int, seconds: float) -> Request:
    return "/v1/jobs", {"json": {"tasks": [_task("work", number, seconds)]}}


def _join(number: int, seconds: float) -> Request:
    branches = [_task(name, number + n, seconds) for n, name in enumerate(("north", "south", "west"))]
    numbers = [{"$result": f"/{branch['name']}"} for branch in branches]
    end = {
        "name": "total",
        "run": "chaos.total",
        "after": [branch["name"] for branch in branches],
        "input": {"numbers": numbers},
    }
    return "/v1/jobs", {"json": {"tasks": [*branches, end]}}


def _file(number: int, seconds: float) -> Request:
    task = {"name": "file", "run": "chaos.file", "input": {"letters": 1000 + number, "seconds": seconds}}
    return "/v1/jobs", {"json": {"tasks": [task]}}


def _certificates(number: int, _seconds: float) -> Request:
    name = f"roster-{number}.csv"
    return "/v1/certificates", {"files": [("files", (name, ROSTER, "text/csv"))], "data": {}}


def _report(number: int, _seconds: float) -> Request:
    return "/v1/reports", {"json": {"report": "numbers", "params": {"count": 50 + number % 50}}}


def _task(name: str, number: int, seconds: float) -> dict[str, Any]:
    return {"name": name, "run": "chaos.work", "input": {"number": number, "seconds": seconds}}


def _graph(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A submission as POST /v1/jobs takes it."""
    match path:
        case "/v1/emails":
            return {"tasks": [{"name": "send", "run": "mailer.send", "input": body}]}
        case "/v1/reports":
            return {"tasks": [{"name": "generate", "run": "reports.generate", "input": body}]}
        case _:
            return body


KINDS: dict[str, Callable[[int, float], Request]] = {
    "email": _email,
    "work": _work,
    "join": _join,
    "file": _file,
    "certificates": _certificates,
    "report": _report,
}
EVERYTHING = {"email": 8, "work": 6, "join": 2, "file": 1, "certificates": 2, "report": 1}
