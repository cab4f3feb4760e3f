"""The wall clock steps back five minutes: on workers and scheduler, which must not care, and on the ledger's server."""

from pathlib import Path

import pytest

from tests.faults.conftest import settings
from tests.support.faults.accounts import Books
from tests.support.faults.clock import Clock
from tests.support.faults.counting import CountingApi, CountingMail
from tests.support.faults.rounds import World, hold, run_round
from tests.support.faults.supervised import SERVICES, Supervised
from tests.support.servers.postgres import PostgreSQL
from tests.support.servers.rabbitmq import RabbitMQ

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
BACK_SECONDS = -300
HELD_SECONDS = 20.0


def test_workers_and_scheduler_survive_a_jump_of_their_clock(
    tmp_path: Path, rabbitmq: RabbitMQ, postgres: PostgreSQL, mail: CountingMail, certificates_api: CountingApi
) -> None:
    clock = Clock(tmp_path)
    database_url = postgres.fresh_database()
    bureau = Supervised(
        tmp_path / "b",
        broker_url=rabbitmq.fresh_vhost(),
        database_url=database_url,
        env=settings(mail, certificates_api, database_url),
        own_env=dict.fromkeys(("scheduler", *SERVICES), clock.env),
    )

    def step_back(world: World) -> None:
        clock.set(BACK_SECONDS)
        world.bureau.kill("chaos")
        hold(HELD_SECONDS)

    with bureau:
        world = World(bureau, Books(database_url), mail, certificates_api, rabbitmq, postgres)
        account = run_round(world, "clock of workers and scheduler back 5 min", step_back, sees=["crashed"])
    assert not account.failed


def test_the_ledger_survives_a_jump_of_its_servers_clock(
    tmp_path: Path, rabbitmq: RabbitMQ, mail: CountingMail, certificates_api: CountingApi
) -> None:
    """What is due waits as long as the clock is behind; set right again, leases end early and work is done twice."""
    tmp_path.chmod(0o755)
    clock = Clock(tmp_path)
    with clock.believed():
        postgres = PostgreSQL()
        postgres.start()
    try:
        database_url = postgres.fresh_database()
        bureau = Supervised(
            tmp_path / "b",
            broker_url=rabbitmq.fresh_vhost(),
            database_url=database_url,
            env=settings(mail, certificates_api, database_url),
        )

        def step_back_and_right_again(_world: World) -> None:
            clock.set(BACK_SECONDS)
            hold(HELD_SECONDS)
            clock.set(0)

        with bureau:
            world = World(bureau, Books(database_url), mail, certificates_api, rabbitmq, postgres)
            account = run_round(world, "clock of PostgreSQL back 5 min and right again", step_back_and_right_again)
    finally:
        postgres.close()
    assert not account.failed
