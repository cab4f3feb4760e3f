"""kill -9 of the mailer while the first of two mail servers is in trouble: no mail is twice at one of them but what is
named unknown, and none at both."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import settings
from tests.support.faults.accounts import Books
from tests.support.faults.counting import CountingApi, TwoProviders, two_providers
from tests.support.faults.rounds import Fault, World, run_round
from tests.support.faults.strikes import in_turn, killed_at, mail_trouble, mail_trouble_during, together
from tests.support.faults.supervised import Supervised
from tests.support.servers.mail_servers import Trouble
from tests.support.servers.postgres import PostgreSQL, drop_database
from tests.support.servers.rabbitmq import RabbitMQ
from tests.support.waiting import until

# Mails that were being handed over when their worker died are waited for until their intent is 180 s old.
pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]
JOBS = 800  # enough for three kills in a row
STANDS_IN_FOR = 60  # recipients, between one kill and the next
OUTAGES: dict[str, dict[str, object]] = {
    "hangs up": {"greeting": Trouble.DROP, "to_sender": Trouble.DROP},
    "hangs up at DATA": {"to_data": Trouble.DROP},
}


@pytest.fixture(scope="module")
def providers() -> Iterator[TwoProviders]:
    with two_providers() as both:
        yield both


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory,
    rabbitmq: RabbitMQ,
    postgres: PostgreSQL,
    providers: TwoProviders,
    certificates_api: CountingApi,
) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("two-providers")
    database_url, broker_url = postgres.fresh_database(), rabbitmq.fresh_vhost()
    env = settings(providers, certificates_api, database_url)
    bureau = Supervised(folder, broker_url=broker_url, database_url=database_url, env=env)
    with bureau:
        yield World(bureau, Books(database_url), providers, certificates_api, rabbitmq, postgres)
    rabbitmq.drop_vhost(broker_url)
    drop_database(postgres.url, database_url)


@pytest.mark.parametrize("name", list(OUTAGES))
def test_the_mailer_killed_while_the_second_server_stands_in(world: World, providers: TwoProviders, name: str) -> None:
    kills = [killed_at("mailer", point) for point in ("moved", "before_dot", "after_dot")]
    fault = mail_trouble_during(OUTAGES[name], in_turn(*(step for kill in kills for step in (kill, _stands_in))))
    _round(world, providers, f"first of two {name}, mailer killed", fault)


def test_the_mailer_killed_while_the_first_server_dies_in_data(world: World, providers: TwoProviders) -> None:
    """It may have taken what it got: such a mail goes to nobody else, and to it again when it is well."""
    fault = together(mail_trouble({"in_data": Trouble.DROP}, 20), killed_at("mailer", "before_dot", "before_dot"))
    _round(world, providers, "first of two dies in DATA, mailer killed", fault)


def _stands_in(world: World) -> None:
    """Until the second one has taken so many mails more."""
    assert isinstance(world.mail, TwoProviders)
    second = world.mail.second
    wanted = second.accepted().total() + STANDS_IN_FOR
    until(lambda: second.accepted().total() >= wanted, 60, lambda: f"{wanted} mails at the second server")


def _round(world: World, providers: TwoProviders, name: str, fault: Fault) -> None:
    account = run_round(world, name, fault, jobs=JOBS, kinds={"email": 1}, sees=["crashed"])
    assert account.unknown_mails > 0
    assert not account.failed
    assert not providers.by_both()
