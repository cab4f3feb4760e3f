"""The servers the other tests rely on: private, restartable, and gone at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pika
import psycopg
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from tests.support.postgres import PostgreSQL, connect
from tests.support.rabbitmq import RabbitMQ
from tests.support.waiting import until


@contextmanager
def channel(url: str) -> Iterator[BlockingChannel]:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        yield connection.channel()
    finally:
        connection.close()


def put(url: str, queue: str) -> None:
    with channel(url) as ch:
        ch.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
        ch.confirm_delivery()
        ch.basic_publish("", queue, b"hello", pika.BasicProperties(delivery_mode=2))


def take(url: str, queue: str) -> bytes | None:
    with channel(url) as ch:
        body: bytes | None = ch.basic_get(queue, auto_ack=True)[2]
        return body


def test_a_message_outlives_stop_and_kill_but_not_wipe(rabbitmq: RabbitMQ) -> None:
    url = rabbitmq.fresh_vhost()
    put(url, "letters")
    rabbitmq.stop()
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        put(url, "letters")
    rabbitmq.start()
    assert take(url, "letters") == b"hello"

    put(url, "letters")
    rabbitmq.kill()
    rabbitmq.start()
    vhost = url.rsplit("/", 1)[1]
    until(lambda: "letters\t1" in rabbitmq.ctl("list_queues", "-p", vhost, "name", "messages"), 20, "the message")

    rabbitmq.wipe()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        take(url, "letters")
    rabbitmq.drop_vhost(url)


def test_every_test_has_a_virtual_host_of_its_own(rabbitmq: RabbitMQ) -> None:
    first, second = rabbitmq.fresh_vhost(), rabbitmq.fresh_vhost()
    put(first, "letters")
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        take(second, "letters")
    rabbitmq.drop_vhost(first)
    rabbitmq.drop_vhost(second)


def test_committed_rows_outlive_stop_and_kill(postgres: PostgreSQL) -> None:
    url = postgres.fresh_database()
    for end in (postgres.stop, postgres.kill):
        with connect(url) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS letters (n int)")
            connection.execute("INSERT INTO letters VALUES (1)")
        end()
        with pytest.raises(psycopg.OperationalError):
            connect(url)
        postgres.start()
    with connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM letters").fetchone() == (2,)


def test_the_database_syncs_its_commits(postgres_url: str) -> None:
    with connect(postgres_url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_nothing_of_a_closed_server_is_left() -> None:
    with RabbitMQ() as node, PostgreSQL() as cluster:
        folders = [node.folder, cluster.folder]
        assert all(using(folder) for folder in folders)
    assert not any(using(folder) for folder in folders)
    assert not any(folder.exists() for folder in folders)


def using(folder: Path) -> list[str]:
    """The processes that work in a folder, as names."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append((process / "comm").read_text())
        except OSError:  # ended, or another user's
            continue
    return found
