"""Runs the private servers of both stacks, from the installed binaries, for one run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.throughput.mail_sink import MailSink
from tests.support.servers.postgres import PostgreSQL
from tests.support.servers.rabbitmq import RabbitMQ
from tests.support.servers.redis_server import RedisServer


@dataclass(frozen=True)
class Servers:
    """Holds running servers. RabbitMQ is one node for both stacks, each in a virtual host of its own."""

    folder: Path
    postgres: PostgreSQL
    rabbitmq: RabbitMQ
    redis: RedisServer
    sink: MailSink


@contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    with PostgreSQL() as postgres, RabbitMQ() as rabbitmq, RedisServer() as redis, MailSink(folder) as sink:
        yield Servers(folder, postgres, rabbitmq, redis, sink)
