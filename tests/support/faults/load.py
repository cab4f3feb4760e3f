"""The load of a round: jobs of every kind, submitted over HTTP by a client that does not give up."""

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

ROSTER = "recipient,course\nAda Lovelace,Welding\n"
THREADS = 6
RUSH_SECONDS = 12.0  # three of five jobs are due together, so long after the first: no worker keeps up with that
BUSY_TRIES = 5  # a key held by a request whose gateway died is free after two minutes: then with a new key

Request = tuple[str, dict[str, Any]]


@dataclass
class Load:
    """What was accepted, by kind. `refused` counts answers that were no 202: the gateway or the ledger was away."""

    url: str
    accepted: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    refused: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _rush_at: datetime = datetime.max

    @property
    def job_ids(self) -> list[str]:
        with self._lock:
            return [job_id for ids in self.accepted.values() for job_id in ids]

    def submit(self, kinds: Sequence[str], *, seconds: float = 0.1) -> None:
        """A job of each of `kinds`, in that order; returns when all are accepted."""
        self._rush_at = datetime.now(UTC) + timedelta(seconds=RUSH_SECONDS)
        with ThreadPoolExecutor(THREADS) as pool, httpx.Client(base_url=self.url, timeout=30) as client:
            for done in [pool.submit(self._one, client, kind, n, seconds) for n, kind in enumerate(kinds)]:
                done.result()

    def stop(self) -> None:
        """Gives up what is not accepted yet."""
        self._stopped.set()

    def _one(self, client: httpx.Client, kind: str, number: int, seconds: float) -> None:
        path, request = KINDS[kind](number, seconds)
        if number % 5 < 3:
            request["json" if "json" in request else "data"]["run_at"] = self._rush_at.isoformat()
        job_id = self._until_accepted(client, path, request)
        if job_id:
            with self._lock:
                self.accepted[kind].append(job_id)

    def _until_accepted(self, client: httpx.Client, path: str, request: Mapping[str, Any]) -> str | None:
        key, busy = uuid4().hex, 0
        while not self._stopped.is_set():
            try:
                answer = client.post(path, headers={"Idempotency-Key": key}, **request)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 202:
                return str(answer.json()["id"])
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


def _file(number: int, _seconds: float) -> Request:
    task = {"name": "file", "run": "chaos.file", "input": {"letters": 1000 + number}}
    return "/v1/jobs", {"json": {"tasks": [task]}}


def _certificates(number: int, _seconds: float) -> Request:
    name = f"roster-{number}.csv"
    return "/v1/certificates", {"files": [("files", (name, ROSTER, "text/csv"))], "data": {}}


def _report(number: int, _seconds: float) -> Request:
    return "/v1/reports", {"json": {"report": "numbers", "params": {"count": 50 + number % 50}}}


def _mailed_report(number: int, seconds: float) -> Request:
    path, request = _report(number, seconds)
    request["json"]["email_to"] = [f"cfo{number}@example.com"]
    return path, request


def _task(name: str, number: int, seconds: float) -> dict[str, Any]:
    return {"name": name, "run": "chaos.work", "input": {"number": number, "seconds": seconds}}


KINDS: dict[str, Callable[[int, float], Request]] = {
    "email": _email,
    "work": _work,
    "join": _join,
    "file": _file,
    "certificates": _certificates,
    "report": _report,
    "mailed report": _mailed_report,
}
EVERYTHING = {"email": 8, "work": 6, "join": 2, "file": 1, "certificates": 3, "report": 1, "mailed report": 1}
