"""Provides the same for pytest: `pytest_plugins = ["bureau.django.testing.fixtures"]`, beside pytest-django."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from bureau.in_process.client import BureauInProcess

if TYPE_CHECKING:  # pytest loads this module before the settings are known
    from bureau.django.testing.recorded import RecordedTasks


@pytest.fixture
def bureau_tasks(db: None) -> Iterator["RecordedTasks"]:  # noqa: ARG001 - pytest-django looks at the names
    """Keeps the tasks that the test enqueues: `bureau_tasks.enqueued()`, and `bureau_tasks.run()` runs them.

    The test has a transaction, as with pytest-django's `db`, unless it asks for `transactional_db`.
    """
    from bureau.django.testing.recorded import recording

    with recording() as tasks:
        yield tasks


@pytest.fixture
def bureau_live(transactional_db: None) -> Iterator[BureauInProcess]:  # noqa: ARG001 - as above
    """Runs the project's tasks on a real Bureau in this process, and yields a client of it with `outbox`.

    One Bureau serves all tests. What the test enqueues and commits is run, with pytest-django's `transactional_db`.
    """
    from bureau.django.testing.live import live_bureau

    live = live_bureau()
    with live.serving(), live.client() as client:
        yield client
        live.come_to_rest()
