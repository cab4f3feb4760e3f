"""Apps of the real Celery and of Bureau's names, whose tasks run in this process."""

from collections.abc import Iterator
from typing import Any

import celery as real_celery
import pytest

from bureau import celery as our_celery
from bureau.celery import state
from tests.support.celery.same_tasks import declared


@pytest.fixture(scope="session")
def real() -> Any:
    app = real_celery.Celery("real", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.task_always_eager = True
    return declared(real_celery, app)


@pytest.fixture
def ours() -> Iterator[Any]:
    """The process forgets the app and its tasks afterwards."""
    apps, tasks = list(state.APPS), dict(state.TASKS)
    state.APPS.clear()
    state.TASKS.clear()
    app = our_celery.Celery("ours")
    app.conf.task_always_eager = True
    yield declared(our_celery, app)
    state.APPS[:] = apps
    state.TASKS.clear()
    state.TASKS.update(tasks)


@pytest.fixture
def app(ours: Any) -> Any:
    """Bureau's app, of which tests declare tasks of their own."""
    return state.APPS[-1]
