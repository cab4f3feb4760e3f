"""`/healthz` of workers and scheduler tells the truth, and a worker whose consumer stands still leaves."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import settings
from tests.support.faults.accounts import Books
from tests.support.faults.counting import CountingApi, CountingMail
from tests.support.faults.rounds import World
from tests.support.faults.supervised import Supervised
from tests.support.servers.ports import free_port
from tests.support.servers.postgres import PostgreSQL, drop_database
from tests.support.servers.rabbitmq import RabbitMQ
from tests.support.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]
STUCK_SECONDS = 8.0
PORTS = {name: free_port() for name in ("chaos", "scheduler")}


@pytest.fixture(scope="module")
def quick(
    tmp_path_factory: pytest.TempPathFactory,
    rabbitmq: RabbitMQ,
    postgres: PostgreSQL,
    mail: CountingMail,
    certificates_api: CountingApi,
) -> Iterator[World]:
    """A Bureau that is impatient with consumers that stand still."""
    database_url, broker_url = postgres.fresh_database(), rabbitmq.fresh_vhost()
    bureau = Supervised(
        tmp_path_factory.mktemp("health"),
        broker_url=broker_url,
        database_url=database_url,
        env=settings(mail, certificates_api, database_url),
        own_env={name: {"HEALTH_BIND": f"127.0.0.1:{port}"} for name, port in PORTS.items()},
        constants={"bureau.messaging.broker:STUCK_SECONDS": STUCK_SECONDS},
    )
    with bureau:
        yield World(bureau, Books(database_url), mail, certificates_api, rabbitmq, postgres)
    rabbitmq.drop_vhost(broker_url)
    drop_database(postgres.url, database_url)


def healthz(program: str) -> tuple[int, dict[str, object]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORTS[program]}/healthz", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.parametrize("program", list(PORTS))
def test_it_says_that_it_is_alive(quick: World, program: str) -> None:
    assert until(lambda: healthz(program), 30, "it answers", ignoring=OSError) == (200, {"status": "alive"})


def test_a_server_that_is_away_does_not_make_it_dead(quick: World) -> None:
    quick.rabbitmq.stop()
    try:
        quick.bureau.wait_for_line("chaos", "Restarting consumer", 30)
        assert healthz("chaos")[0] == healthz("scheduler")[0] == 200
    finally:
        quick.rabbitmq.start()
    quick.bureau.serving()


def test_a_worker_whose_consumer_stands_still_says_so_and_leaves(quick: World) -> None:
    before = quick.bureau.pid("chaos")
    quick.bureau.failpoints.arm("chaos", "turn", "freeze")
    said = until(lambda: _dead("chaos"), 60, "healthz says that it is dead", ignoring=OSError)
    assert said["status"] == "dead"
    assert "the consumer of chaos has not responded" in json.dumps(said)
    until(lambda: quick.bureau.pid("chaos") != before, 90, "it left, and supervisor has started another")
    quick.bureau.serving()
    job = quick.bureau.api.run({"name": "only", "run": "chaos.work", "input": {"number": 1}})
    quick.bureau.api.succeeded(job, 90)
    assert Path(f"/proc/{before}").exists() is False


def _dead(program: str) -> dict[str, object]:
    """What it says when it answers 503; else nothing."""
    status, said = healthz(program)
    return said if status == 503 else {}
