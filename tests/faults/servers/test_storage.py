"""Files that cannot be written or read for a while: a disk that is full, read-only or gone, an S3 that is away."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.faults.conftest import settings
from tests.support.faults.accounts import Books
from tests.support.faults.counting import CountingApi, CountingMail
from tests.support.faults.disk import Disk
from tests.support.faults.rounds import Fault, World, hold, run_round
from tests.support.faults.supervised import Supervised
from tests.support.servers.postgres import PostgreSQL
from tests.support.servers.proxies.proxy import tcp_proxy
from tests.support.servers.rabbitmq import RabbitMQ
from tests.support.servers.s3 import CREDENTIALS, s3_server

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
FILES = {"file": 3, "certificates": 2, "report": 2}


def during(trouble: Callable[[Disk], AbstractContextManager[None]]) -> Fault:
    def strike(world: World) -> None:
        assert world.disk is not None
        with trouble(world.disk):
            hold(15)

    return strike


def test_the_disk_is_full(world: World) -> None:
    account = run_round(world, "storage full", during(Disk.full), kinds=FILES, sees=["retry"])
    assert not account.failed


def test_the_disk_is_read_only(world: World) -> None:
    account = run_round(world, "storage read-only", during(Disk.read_only), kinds=FILES, sees=["retry"])
    assert not account.failed


def test_the_disk_is_gone(world: World) -> None:
    account = run_round(world, "storage away", during(Disk.away), kinds=FILES, sees=["retry"])
    assert not account.failed


def test_s3_is_away(
    tmp_path: Path, rabbitmq: RabbitMQ, postgres: PostgreSQL, mail: CountingMail, certificates_api: CountingApi
) -> None:
    database_url = postgres.fresh_database()
    with s3_server(tmp_path) as s3, tcp_proxy("127.0.0.1", urlsplit(s3.endpoint).port or 0) as proxy:

        def strike(_world: World) -> None:
            proxy.down()
            hold(20)
            proxy.up()

        through_proxy = s3.fresh_bucket().replace(s3.endpoint, f"http://127.0.0.1:{proxy.port}")
        env = settings(mail, certificates_api, database_url) | CREDENTIALS | {"STORAGE_URL": through_proxy}
        bureau = Supervised(tmp_path / "b", broker_url=rabbitmq.fresh_vhost(), database_url=database_url, env=env)
        with bureau:
            world = World(bureau, Books(database_url), mail, certificates_api, rabbitmq, postgres)
            account = run_round(world, "S3 away 20 s", strike, jobs=400, kinds=FILES, sees=["retry"])
    assert not account.failed
