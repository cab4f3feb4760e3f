"""Tests that calls which a worker runs come out as on the real Celery, with a broker in memory, by one table."""

from collections.abc import Iterator
from typing import Any

import celery as real_celery
import pytest
from celery.contrib.testing.worker import start_worker

from bureau import celery as our_celery
from tests.support.celery.same_calls import ANY_WAY, NOT_EAGER, outcome
from tests.support.celery.same_tasks import declared

CALLS = {**ANY_WAY, **NOT_EAGER}


@pytest.fixture(scope="module")
def real() -> Iterator[Any]:
    app = real_celery.Celery("real worker", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.broker_transport_options = {"polling_interval": 0.01}
    tasks = declared(real_celery, app)
    with start_worker(app, pool="solo", perform_ping_check=False, loglevel="ERROR"):
        yield tasks


@pytest.fixture(scope="module")
def expected(real: Any) -> dict[str, Any]:
    results = {name: call(real, real_celery) for name, call in CALLS.items()}
    return {name: outcome(result, 30) for name, result in results.items()}


@pytest.mark.long
def test_calls_that_a_worker_runs_come_out_as_celery_s(same: Any, expected: dict[str, Any]) -> None:
    results = {name: call(same, our_celery) for name, call in CALLS.items()}
    told = {name: outcome(result, 60) for name, result in results.items()}
    assert told == expected
    assert results["an exception"].state == "FAILURE"
    assert results["an automatic retry"].state == "SUCCESS"


@pytest.mark.long
def test_a_request_says_the_same(same: Any, real: Any) -> None:
    mine, theirs = (t.about.apply_async((1,), {"b": 2}) for t in (same, real))
    (*my_request, my_id), (*their_request, their_id) = mine.get(timeout=60), theirs.get(timeout=30)
    assert my_request == their_request
    assert (my_id, their_id) == (mine.id, theirs.id)
