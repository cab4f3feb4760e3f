"""Defines what both stacks have in common: processes in groups, and what is asked of them."""

import http.client
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from tests.benchmarks.throughput.programs.load import Plan
from tests.support.running.processes import Process

WEB, WORKER, SCHEDULER = "web", "worker", "scheduler"
POSTGRESQL, RABBITMQ, REDIS = "PostgreSQL", "RabbitMQ", "Redis"
GROUPS = (WEB, WORKER, SCHEDULER, POSTGRESQL, RABBITMQ, REDIS)


@dataclass(frozen=True)
class Shape:
    """Says how many processes the web server and the worker have, and how many threads each web server process has."""

    processes: int = 2
    web_threads: int = 8


class Contender(ABC):
    """Runs a stack on fresh state: nothing of an earlier one is left. As a context manager it ends all processes."""

    name: str
    port: int
    authorization: str

    def __init__(self) -> None:
        self.processes: dict[str, Process] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None: ...

    @abstractmethod
    def start_web(self) -> None:
        """Starts whatever accepts jobs, and all else that must run beside it, but no worker."""

    @abstractmethod
    def start_mail_workers(self) -> None: ...

    @abstractmethod
    def start_task_workers(self) -> None:
        """Starts workers for the tasks of `chain` and `group`, instead of those for mail where they are others."""

    @abstractmethod
    def stop_workers(self) -> None: ...

    @abstractmethod
    def roots(self) -> Mapping[str, list[int]]:
        """Returns the roots of the process trees of each group that runs."""

    @abstractmethod
    def ended(self) -> int:
        """Returns how many mail jobs are recorded as succeeded, in the ledger or the result backend."""

    @abstractmethod
    def chain(self, links: int) -> Mapping[str, Any]:
        """Submits a chain of additions over HTTP and returns the answer."""

    @abstractmethod
    def group(self, members: int) -> Mapping[str, Any]:
        """Submits a group of additions with a task that sums them up, over HTTP, and returns the answer."""

    @abstractmethod
    def result(self, answer: Mapping[str, Any]) -> Any:
        """Returns the result of the last task of what was answered so, or None while there is none.

        It is read where it is recorded, not over HTTP, so that looking often costs the stack little.
        """

    def plan(self, tag: str, jobs: int, clients: int, pause_seconds: float = 0.0) -> Plan:
        return Plan(self.port, self.authorization, tag, jobs, clients, pause_seconds)

    def posted(self, path: str, body: object) -> Mapping[str, Any]:
        """Posts and returns the answer. RuntimeError where it is not a 202."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Authorization": self.authorization, "Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        if answer.status != 202:
            raise RuntimeError(f"{self.name} answered {answer.status} to {path}: {data[:2000]!r}")
        found: Mapping[str, Any] = json.loads(data)
        return found
