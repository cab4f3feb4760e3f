"""The servers tests run on: shared ones by all processes of the run (`tests/support/servers/keeper.py`), and private
ones for tests that stop, kill or wipe them. All are started when first asked for and stopped at the end.

`BROKER_URL` and `DATABASE_URL` in the environment are used instead where a test needs no more than an address. With
THROUGH_PGBOUNCER=1 what is tested reaches PostgreSQL through PgBouncer in transaction mode (`make test-pooler`).
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType
from typing import Any

import hypothesis
import pytest

from bureau.ledger.db.database import Database
from bureau.ledger.db.migrate import migrate
from bureau.services.settings_table import rows
from tests.support.ledger.ledgers import emptied_ledger
from tests.support.servers.keeper import Ask, Keeper, ask_at
from tests.support.servers.pgbouncer import PgBouncer
from tests.support.servers.postgres import PostgreSQL, drop_database, fresh_database
from tests.support.servers.rabbitmq import RabbitMQ, VirtualHosts
from tests.support.servers.s3 import S3Server

# A run starts a hundred processes: each would compile Bureau anew, and each process of pytest all tests.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Settings of the one who runs the tests must not reach the code under test: taken out before anything reads them.
_SERVERS = ("BROKER_URL", "DATABASE_URL")
_GIVEN = {name: os.environ.pop(name, "") for name in _SERVERS}
for _row in rows():
    for _name in (_row.variable, f"{_row.variable}_FILE"):
        os.environ.pop(_name, None)

_KEEPER = pytest.StashKey[Keeper]()
_SOCKET = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    signal.signal(signal.SIGTERM, _interrupt)  # so that `timeout` and CI stop the servers too
    hypothesis.settings.register_profile("any machine", deadline=None)  # how long an example takes says nothing
    hypothesis.settings.load_profile("any machine")
    if not hasattr(config, "workerinput"):
        config.stash[_KEEPER] = Keeper()


def pytest_unconfigure(config: pytest.Config) -> None:
    if keeper := config.stash.get(_KEEPER, None):
        keeper.close()


@pytest.hookimpl(optionalhook=True)  # pytest-xdist's, in the process that starts the others
def pytest_configure_node(node: Any) -> None:
    stash = node.config.stash
    node.workerinput["servers"] = stash.setdefault(_SOCKET, "") or stash[_KEEPER].listen()
    stash[_SOCKET] = node.workerinput["servers"]
    node.workerinput["given"] = _GIVEN


# `make test` runs three processes: what shares a running Bureau stays together, and so does what breaks its servers;
# what takes longest begins first.
_SHARED = {"rabbitmq": "breaks servers", "postgres": "breaks servers"}
_SHARED |= {name: name for name in ("stack", "hosting", "plain", "guarded")}
_FIRST = ("tests/faults", "tests/acceptance", "tests/unit/linear_time", "tests/integration", "tests/contract")


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the marks in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return next((n for n, folder in enumerate(_FIRST) if item.nodeid.startswith(folder)), len(_FIRST))

    items.sort(key=place)
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        shared = next((group for name, group in _SHARED.items() if name in fixtures), None)
        item.add_marker(pytest.mark.xdist_group(shared or item.nodeid.split("::")[0]))


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _spoken_aloud(config: pytest.Config) -> AbstractContextManager[None]:
    """Shows what is printed in the block: installing packages takes a minute, and nobody should wonder why."""
    capture = config.pluginmanager.getplugin("capturemanager")
    return capture.global_and_fixture_disabled() if capture else nullcontext()


@pytest.fixture(scope="session")
def rabbitmq(pytestconfig: pytest.Config) -> Iterator[RabbitMQ]:
    """A private node that a test may stop, kill and wipe; it must run again at the test's end."""
    with _spoken_aloud(pytestconfig):
        node = RabbitMQ()
    with node:
        yield node


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[PostgreSQL]:
    """A private cluster, with commits that reach the disk, that a test may stop and kill; it must run again at the
    test's end.
    """
    with _spoken_aloud(pytestconfig):
        cluster = PostgreSQL()
    with cluster:
        yield cluster


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Ask:
    """The shared servers by their names; one that cannot be had fails every test that needs it."""
    if hasattr(pytestconfig, "workerinput"):
        return ask_at(pytestconfig.workerinput["servers"])

    def ask(name: str) -> dict[str, Any]:
        with _spoken_aloud(pytestconfig):
            return pytestconfig.stash[_KEEPER].ask(name)

    return ask


@pytest.fixture(scope="session")
def given_servers(pytestconfig: pytest.Config) -> dict[str, str]:
    """What the one who runs the tests gave, or nothing, by the name of its variable."""
    given: dict[str, str] = getattr(pytestconfig, "workerinput", {"given": _GIVEN})["given"]
    return given


@contextmanager
def _virtual_host(request: pytest.FixtureRequest) -> Iterator[str]:
    given: dict[str, str] = request.getfixturevalue("given_servers")
    if given["BROKER_URL"]:
        yield given["BROKER_URL"]
        return
    vhosts = VirtualHosts(**request.getfixturevalue("servers")("rabbitmq"))
    url = vhosts.fresh()
    yield url
    vhosts.drop(url)


@pytest.fixture
def rabbitmq_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """BROKER_URL of a virtual host nobody else uses; with a given server, of that: use unique queue names."""
    with _virtual_host(request) as url:
        yield url


@pytest.fixture(scope="session")
def session_rabbitmq_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The same for what runs all the session long."""
    with _virtual_host(request) as url:
        yield url


@pytest.fixture(scope="module")
def module_rabbitmq_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The same for a stack of a module's own: two in one virtual host would take each other's hints."""
    with _virtual_host(request) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_server(servers: Ask, given_servers: dict[str, str]) -> str:
    """The URL of a server whose user may create databases."""
    return given_servers["DATABASE_URL"] or str(servers("postgres")["url"])


@pytest.fixture(scope="session")
def pgbouncer(postgres_server: str) -> Iterator[PgBouncer]:
    """A pooler in transaction mode in front of that server; it refuses what it does not know."""
    with PgBouncer(postgres_server, ignoring=False) as pooler:
        yield pooler


@pytest.fixture(scope="session")
def reached(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Returns how what is tested reaches a database: directly, unless THROUGH_PGBOUNCER is set."""
    if not os.environ.get("THROUGH_PGBOUNCER"):
        return str
    pooler: PgBouncer = request.getfixturevalue("pgbouncer")
    return pooler.url


@pytest.fixture
def postgres_url(postgres_server: str, reached: Callable[[str], str]) -> Iterator[str]:
    """DATABASE_URL of an empty database, dropped after the test."""
    url = fresh_database(postgres_server)
    yield reached(url)
    drop_database(postgres_server, url)


@pytest.fixture(scope="session")
def postgres_ledger_url(postgres_server: str) -> Iterator[str]:
    """A migrated database for all tests of this process."""
    url = fresh_database(postgres_server)
    db = Database(url)
    migrate(db)
    db.close()
    yield url
    drop_database(postgres_server, url)


@pytest.fixture
def postgres_db(postgres_ledger_url: str, reached: Callable[[str], str]) -> Iterator[Database]:
    """An empty ledger: the rows of the test before are deleted, which is 100 ms quicker than a new database."""
    db = emptied_ledger(reached(postgres_ledger_url))
    yield db
    db.close()


@pytest.fixture
def direct_db(postgres_ledger_url: str) -> Iterator[Database]:
    """The same, always without a pooler: for tests of what a session keeps."""
    db = emptied_ledger(postgres_ledger_url)
    yield db
    db.close()


@pytest.fixture(scope="session")
def s3(servers: Ask) -> S3Server:
    """Make a bucket of your own in it."""
    return S3Server(**servers("s3"))
