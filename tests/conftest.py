"""The servers tests run on. Private ones are started when first asked for and stopped at the end.

`BROKER_URL` and `DATABASE_URL` in the environment are used instead where a test needs no more than an address.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType

import hypothesis
import pytest

from bureau.services.settings_table import rows
from tests.support.postgres import PostgreSQL, drop_database, fresh_database
from tests.support.rabbitmq import RabbitMQ

# Settings of the one who runs the tests must not reach the code under test: taken out before anything reads them.
_SERVERS = ("BROKER_URL", "DATABASE_URL")
_GIVEN = {name: os.environ.pop(name, "") for name in _SERVERS}
for _row in rows():
    for _name in (_row.variable, f"{_row.variable}_FILE"):
        os.environ.pop(_name, None)


def pytest_configure() -> None:
    signal.signal(signal.SIGTERM, _interrupt)  # so that `timeout` and CI stop the servers too
    hypothesis.settings.register_profile("any machine", deadline=None)  # how long an example takes says nothing
    hypothesis.settings.load_profile("any machine")


# `make test` runs three processes: what shares a running Bureau stays together, and what takes longest begins first.
_SHARED = ("world", "stack")
_FIRST = ("tests/faults", "tests/acceptance")


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the marks in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return next((n for n, folder in enumerate(_FIRST) if item.nodeid.startswith(folder)), len(_FIRST))

    items.sort(key=place)
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        shared = next((name for name in _SHARED if name in fixtures), None)
        item.add_marker(pytest.mark.xdist_group(shared or item.nodeid.split("::")[0]))


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _spoken_aloud(request: pytest.FixtureRequest) -> AbstractContextManager[None]:
    """Shows what is printed in the block: installing packages takes a minute, and nobody should wonder why."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    return capture.global_and_fixture_disabled() if capture else nullcontext()


@pytest.fixture(scope="session")
def rabbitmq(request: pytest.FixtureRequest) -> Iterator[RabbitMQ]:
    """A private node that a test may stop, kill and wipe; it must run again at the test's end."""
    with _spoken_aloud(request):
        node = RabbitMQ()
    with node:
        yield node


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[PostgreSQL]:
    """A private cluster that a test may stop and kill; it must run again at the test's end."""
    with _spoken_aloud(request):
        cluster = PostgreSQL()
    with cluster:
        yield cluster


@contextmanager
def _virtual_host(request: pytest.FixtureRequest) -> Iterator[str]:
    if _GIVEN["BROKER_URL"]:
        yield _GIVEN["BROKER_URL"]
        return
    node: RabbitMQ = request.getfixturevalue("rabbitmq")
    url = node.fresh_vhost()
    yield url
    node.drop_vhost(url)


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
def postgres_server(request: pytest.FixtureRequest) -> str:
    """The URL of a server whose user may create databases."""
    return _GIVEN["DATABASE_URL"] or str(request.getfixturevalue("postgres").url)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """DATABASE_URL of an empty database, dropped after the test."""
    url = fresh_database(postgres_server)
    yield url
    drop_database(postgres_server, url)
