"""One stack for the whole session: each service a process of its own, on real RabbitMQ, PostgreSQL and SMTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api import Api
from tests.support.mail_servers import MailServer, mail_server
from tests.support.postgres import connect, drop_database, fresh_database
from tests.support.stack import Stack

QUERIES = Path(__file__).parent / "queries"
ORDERS = """
  CREATE TABLE orders AS
  SELECT n AS id, 'Ünïted; "' || n AS customer, n % 7 AS quantity, (n * 37 % 10000) / 100.0 AS amount
  FROM generate_series(1, 5000) n
"""
ORGANISATION = "The Issuer's Own Academy"  # only its process knows the name: on a certificate it says who made it


@pytest.fixture(scope="session")
def mail() -> Iterator[MailServer]:
    """The provider that the stack's mailer hands its mails to."""
    with mail_server() as server:
        yield server


@pytest.fixture(scope="session")
def orders_url(postgres_server: str) -> Iterator[str]:
    """A database of somebody else's, for reports."""
    url = fresh_database(postgres_server)
    with connect(url) as connection:
        connection.execute(ORDERS)
    yield url
    drop_database(postgres_server, url)


@pytest.fixture(scope="module")
def module_database_url(postgres_server: str) -> Iterator[str]:
    """Of a stack of a module's own."""
    url = fresh_database(postgres_server)
    yield url
    drop_database(postgres_server, url)


@pytest.fixture(scope="session")
def stack(
    tmp_path_factory: pytest.TempPathFactory,
    session_rabbitmq_url: str,
    postgres_server: str,
    orders_url: str,
    mail: MailServer,
) -> Iterator[Stack]:
    database_url = fresh_database(postgres_server)
    env = {
        "MAIL_URL": mail.url,
        "MAIL_FROM": "Bureau <bureau@example.com>",
        "REPORTS_DIR": str(QUERIES),
        "SOURCE_ORDERS_URL": orders_url,
    }
    folder = tmp_path_factory.mktemp("stack")
    with Stack(folder, broker_url=session_rabbitmq_url, database_url=database_url, env=env) as stack:
        stack.start("issuer", env={"ISSUER_ORGANISATION": ORGANISATION})
        stack.env["CERTIFICATES_API"] = stack.issuer_url
        stack.start("gateway", "scheduler", "certificates", "reports", "mailer", "shop")
        yield stack
    drop_database(postgres_server, database_url)


@pytest.fixture
def api(stack: Stack) -> Api:
    return stack.api
