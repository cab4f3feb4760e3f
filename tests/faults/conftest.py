"""The fault suite. `make test` runs what is short, `make test-all` everything, `make faults` everything at length."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.support.faults.accounts import Books
from tests.support.faults.counting import CountingApi, CountingMail, counting_api, counting_mail
from tests.support.faults.disk import Disk
from tests.support.faults.rounds import World
from tests.support.faults.supervised import Supervised
from tests.support.faults.table import TABLE, markdown
from tests.support.running.processes import ROOT
from tests.support.servers.postgres import PostgreSQL, drop_database
from tests.support.servers.proxies.proxy import database_proxy
from tests.support.servers.rabbitmq import RabbitMQ


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if any(row.rounds for row in TABLE.values()):
        terminalreporter.write_line("")
        terminalreporter.write_line(markdown())


@pytest.fixture(scope="package")
def mail() -> Iterator[CountingMail]:
    with counting_mail() as server:
        yield server


@pytest.fixture(scope="package")
def certificates_api() -> Iterator[CountingApi]:
    with counting_api() as api:
        yield api


def settings(mail: CountingMail, api: CountingApi, database_url: str) -> dict[str, str]:
    """Of every Bureau here: the counting world around it, and patience fit for tests."""
    return {
        "MAIL_URL": mail.url,
        "MAIL_READ_TIMEOUT_SECONDS": "3",
        "CERTIFICATES_API": api.url,
        "CERTIFICATES_TIMEOUT_SECONDS": "5",
        "REPORTS_DIR": str(ROOT / "tests" / "faults" / "queries"),
        "SOURCE_NUMBERS_URL": database_url,
        "GRACE_SECONDS": "5",
        "CONCURRENCY": "1000",
    }


@pytest.fixture(scope="package")
def world(
    tmp_path_factory: pytest.TempPathFactory,
    rabbitmq: RabbitMQ,
    postgres: PostgreSQL,
    mail: CountingMail,
    certificates_api: CountingApi,
) -> Iterator[World]:
    """One Bureau for test after test; each leaves it as it found it."""
    database_url, broker_url = postgres.fresh_database(), rabbitmq.fresh_vhost()
    with database_proxy(database_url) as (proxy, through_proxy):
        bureau = Supervised(
            tmp_path_factory.mktemp("faults"),
            broker_url=broker_url,
            database_url=database_url,
            env=settings(mail, certificates_api, database_url),
            own_env={name: {"DATABASE_URL": through_proxy} for name in ("certificates", "reports")},
        )
        disk = Disk(bureau.storage)
        with closing(disk), bureau:
            yield World(bureau, Books(database_url), mail, certificates_api, rabbitmq, postgres, proxy, disk)
    rabbitmq.drop_vhost(broker_url)
    drop_database(postgres.url, database_url)
