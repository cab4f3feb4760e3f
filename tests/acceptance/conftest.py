"""Four Bureaus for the whole session.

In `stack` and `hosted` each service is a process of its own, on real RabbitMQ, PostgreSQL and SMTP. `stack` is one
machine: storage is a folder, the gateway asks for no key, everything is measured and logs JSON. `hosted` is what a
hosting platform makes of the Procfile: storage is a bucket, callers have keys, workers a database role.

`plain` and `guarded` are one process each: the former as it starts without a setting, the latter with nearly all.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from bureau.services.gateway.api_keys import api_key
from tests.support.running.api import Api
from tests.support.running.embedded import EmbeddedBureau
from tests.support.running.hosted import Hosted
from tests.support.running.processes import ROOT
from tests.support.running.stack import Stack
from tests.support.running.worker_role import drop_worker_role, worker_role
from tests.support.servers.keeper import Ask
from tests.support.servers.mail_servers import MailServer, mail_server
from tests.support.servers.ports import free_port, listens
from tests.support.servers.postgres import connect, drop_database, fresh_database
from tests.support.servers.rabbitmq import VirtualHosts
from tests.support.servers.s3 import S3Server
from tests.support.servers.tls import TestAuthority, make_authority

QUERIES = Path(__file__).parent / "queries"
ORDERS = """
  CREATE TABLE orders AS
  SELECT n AS id, 'Ünïted; "' || n AS customer, n % 7 AS quantity, (n * 37 % 10000) / 100.0 AS amount
  FROM generate_series(1, 5000) n
"""
ORGANISATION = "The Issuer's Own Academy"  # only its process knows the name: on a certificate it says who made it
GATEWAYS = 2  # processes
MEASURED = ("scheduler", "certificates", "reports", "mailer", "shop", "twins")
# Secrets that must be in no log: `test_logs.py` looks for them, in the most that its processes can write.
SECRETS = {
    "SENDGRID_API_KEY": "SG.planted-by-a-test.0123456789abcdef",
    "LINK_SECRET": "planted-link-secret-0123456789-abcdef",
}
SMTP_PASSWORD = "planted/smtp pass"
TELLS_ALL = ("gateway", "scheduler", "mailer", "tellers")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    """It vouches for the mail server."""
    return make_authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def mail(authority: TestAuthority) -> Iterator[MailServer]:
    """The provider that the stack's mailer hands its mails to, encrypted and logged in."""
    with mail_server(starttls=authority.server, login=("bureau", SMTP_PASSWORD)) as server:
        yield server


@pytest.fixture(scope="session")
def orders_url(postgres_server: str) -> Iterator[str]:
    """A database of somebody else's, for reports."""
    url = fresh_database(postgres_server)
    with connect(url) as connection:
        connection.execute(ORDERS)
    yield url
    drop_database(postgres_server, url)


@pytest.fixture(scope="session")
def ports() -> dict[str, int]:
    """Where the stack's processes are measured; a command with two processes takes two ports in a row."""
    first = next(port for _ in range(100) if not listens((port := free_port()) + 1))
    return {**{name: free_port() for name in ("gateway", *MEASURED)}, "twins": first, "second twin": first + 1}


@pytest.fixture(scope="session")
def stack(
    tmp_path_factory: pytest.TempPathFactory,
    session_rabbitmq_url: str,
    postgres_server: str,
    orders_url: str,
    mail: MailServer,
    authority: TestAuthority,
    ports: dict[str, int],
    reached: Callable[[str], str],
) -> Iterator[Stack]:
    database_url = fresh_database(postgres_server)
    env = {
        "MAIL_URL": f"smtp://bureau:{quote(SMTP_PASSWORD, safe='')}@localhost:{mail.port}",
        "MAIL_FROM": "Bureau <bureau@example.com>",
        "REPORTS_DIR": str(QUERIES),
        "SOURCE_ORDERS_URL": orders_url,
        "LOG_FORMAT": "json",
        **SECRETS,
    }
    own_env: dict[str, dict[str, str]] = {name: {"HEALTH_BIND": f"127.0.0.1:{ports[name]}"} for name in MEASURED}
    own_env["gateway"] = {"WEB_CONCURRENCY": str(GATEWAYS), "METRICS_BIND": f"127.0.0.1:{ports['gateway']}"}
    own_env["mailer"]["SSL_CERT_FILE"] = str(authority.file)
    for name in TELLS_ALL:
        own_env.setdefault(name, {})["LOG_LEVEL"] = "DEBUG"
    folder = tmp_path_factory.mktemp("stack")
    stack = Stack(folder, broker_url=session_rabbitmq_url, database_url=reached(database_url), env=env, own_env=own_env)
    with stack:
        stack.start("issuer", env={"ISSUER_ORGANISATION": ORGANISATION})
        stack.env["CERTIFICATES_API"] = stack.issuer_url
        stack.start("gateway", "scheduler", "certificates", "reports", "mailer", "shop")
        yield stack
    drop_database(postgres_server, database_url)


@pytest.fixture
def api(stack: Stack) -> Api:
    return stack.api


@pytest.fixture(scope="session")
def hosting(
    tmp_path_factory: pytest.TempPathFactory, servers: Ask, s3: S3Server, reached: Callable[[str], str]
) -> Iterator[Hosted]:
    """On the shared servers, whatever others were given: a test reads PostgreSQL's log."""
    postgres_url, vhosts = servers("postgres")["url"], VirtualHosts(**servers("rabbitmq"))
    database_url, broker_url = fresh_database(postgres_url), vhosts.fresh()
    workers_url = worker_role(database_url)
    with Hosted(
        tmp_path_factory.mktemp("hosted"), s3, broker_url, reached(database_url), reached(workers_url)
    ) as hosted:
        yield hosted
    drop_worker_role(database_url, workers_url)
    drop_database(postgres_url, database_url)
    vhosts.drop(broker_url)


@pytest.fixture
def hosted(hosting: Hosted) -> Hosted:
    """The same for all tests: started again where a test has stopped it."""
    hosting.start(*(name for name, process in hosting.processes.items() if not process.running))
    return hosting


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBureau]:
    """With the tasks and schedules of the examples; each test makes its own jobs."""
    tasks = ("examples.suma.tasks", "examples.suma.patterns", "examples.schedules.tasks")
    env = {
        "TASKS": " ".join([*tasks, *(f"tests.acceptance.one_process.{own}" for own in ("naps", "rude_tasks"))]),
        "SCHEDULES_FILE": str(ROOT / "examples/schedules/schedules.yaml"),
        "QUEUES": "bulk",
    }
    with EmbeddedBureau(tmp_path_factory.mktemp("plain"), env=env) as plain:
        plain.start()
        yield plain


@dataclass(frozen=True)
class Guarded:
    """A Bureau that asks for keys. `keys` has one of each role, and a newcomer's, who operates and owns no job.

    `bureau.api` has the operator's.
    """

    bureau: EmbeddedBureau
    keys: dict[str, str]
    mail: MailServer  # well when a test begins, and when it ends


BROKEN = """\
-- title = "Broken"
-- source = "demo"
select no_such_column from orders
"""
SLOW = """\
-- title = "Slow"
-- source = "demo"
with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) as n from n
"""


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Its mail goes to a server, its certificates are signed with a key it is given, its reports are mailed as links
    from a size on that small ones have.
    """
    folder = tmp_path_factory.mktemp("guarded")
    keys = {name: api_key.make().text() for name in ("view", "submit", "operate", "newcomer")}
    lines = [f"ada {role} {keys[role]}" for role in ("view", "submit", "operate")]
    file = folder / "keys"
    file.write_text("\n".join([*lines, f"eve operate {keys['newcomer']}", ""]))
    (folder / "queries").mkdir()
    (folder / "queries/broken.sql").write_text(BROKEN)
    (folder / "queries/slow.sql").write_text(SLOW)
    with mail_server() as mail:
        env = {
            "KEYS_FILE": str(file),
            "MAIL_URL": mail.url,
            "ISSUER_SIGNING_KEY": "A" * 43,
            "REPORTS_DIR": f"{ROOT / 'services/reports/queries'}:{folder / 'queries'}",
            "REPORT_ATTACH_BYTES": "150000",
            "REPORT_ZIP_BYTES": "160000",
            "EMPTY_REPORTS": "note",
        }
        with EmbeddedBureau(folder / "bureau", env=env) as bureau:
            bureau.api.client.headers["Authorization"] = f"Bearer {keys['operate']}"
            bureau.start()
            yield Guarded(bureau, keys, mail)
