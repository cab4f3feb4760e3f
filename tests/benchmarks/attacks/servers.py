"""Starts what is attacked: the embedded process, and the stack on RabbitMQ and PostgreSQL with its workers."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.benchmarks.attacks.archives import HOSTILE
from tests.support.running.api import Api
from tests.support.running.embedded import EmbeddedBureau
from tests.support.running.stack import Stack
from tests.support.servers.http_servers import HttpExchange, http_server, replies
from tests.support.servers.postgres import PostgreSQL
from tests.support.servers.rabbitmq import RabbitMQ

WORKERS = ("certificates", "reports", "mailer", "attacks")
UNLIMITED = {"RATE_LIMIT_PER_MINUTE": "0"}  # as for attackers with very many keys


@dataclass(frozen=True)
class Target:
    """Holds what is attacked. `workers` are processes of their own, if there are any; `broker_url` is RabbitMQ's."""

    port: int
    gateway: int
    api: Api
    workers: Sequence[int] = ()
    broker_url: str = ""


class Start(Protocol):
    def __call__(self, folder: Path) -> AbstractContextManager[Target]: ...


@contextmanager
def embedded(folder: Path) -> Iterator[Target]:
    """Runs everything in one process, with the built-in issuer of certificates."""
    with EmbeddedBureau(folder / "bureau", env={**UNLIMITED, "TASKS": "tests.benchmarks.attacks.tasks"}) as bureau:
        bureau.start()
        yield Target(bureau.port, bureau.process.pid, bureau.api)


@contextmanager
def stack(folder: Path) -> Iterator[Target]:
    """Runs the gateway in gunicorn and a process for each worker; the API of certificates answers hostile archives."""
    with PostgreSQL(durable=False) as postgres, RabbitMQ() as rabbitmq, http_server(_archive) as hostile:
        env = {**UNLIMITED, "MALLOC_ARENA_MAX": "2", "CERTIFICATES_API": hostile.url}
        with Stack(folder, broker_url=rabbitmq.url, database_url=postgres.fresh_database(), env=env) as running:
            running.start("gateway", "scheduler", *WORKERS)
            pids = [running.processes[name].pid for name in ("scheduler", *WORKERS)]
            yield Target(running.port, running.processes["gateway"].pid, running.api, pids, rabbitmq.url)


def _archive(exchange: HttpExchange) -> None:
    """Answers the archive whose name the roster has, or refuses the roster."""
    name = next((name for name in HOSTILE if f"{name}.csv".encode() in exchange.received.body), None)
    answer = replies(200, HOSTILE[name](), "application/zip") if name else replies(422, b'{"error": {"message": "no"}}')
    answer(exchange)


SERVERS: dict[str, Start] = {"stack": stack, "embedded": embedded}
