"""Tests that calls in this process have the same outcome on Bureau's names as on the real Celery, by one table."""

from typing import Any

import celery as real_celery
import pytest

from bureau import celery as our_celery
from tests.support.celery.same_calls import ANY_WAY, outcome


@pytest.mark.parametrize("call", ANY_WAY)
def test_a_call_in_this_process_comes_out_as_celery_s(real: Any, ours: Any, call: str) -> None:
    told = outcome(ANY_WAY[call](ours, our_celery), 5)
    assert told == outcome(ANY_WAY[call](real, real_celery), 5)


def test_a_request_says_the_same(real: Any, ours: Any) -> None:
    (*mine, my_id), (*theirs, their_id) = (t.about.apply_async((1,), {"b": 2}).get() for t in (ours, real))
    assert mine == theirs
    assert len(my_id) == len(their_id)


@pytest.mark.parametrize(("args", "kwargs"), [((1,), {}), ((1, 2, 3), {}), ((1, 2), {"c": 3})])
def test_wrong_arguments_are_refused_where_the_task_is_called(
    real: Any, ours: Any, args: tuple[int, ...], kwargs: dict[str, int]
) -> None:
    for tasks in (real, ours):
        with pytest.raises(TypeError):
            tasks.add.delay(*args, **kwargs)


def test_a_task_that_is_called_is_a_function(real: Any, ours: Any) -> None:
    for tasks in (real, ours):
        assert tasks.add(1, 2) == tasks.add.run(1, 2) == tasks.add.s(1)(2) == 3
        with pytest.raises(KeyError):
            tasks.third_time()  # without a worker a retry raises what it was asked for


def test_the_state_of_what_was_ignored_is_the_same(real: Any, ours: Any) -> None:
    assert ours.ignores.delay().state == real.ignores.delay().state == "IGNORED"


@pytest.mark.parametrize(
    "write",
    [
        lambda t, c: t.add.s(1, b=2),
        lambda t, c: t.add.si(1, 2).set(queue="slow", countdown=3),
        lambda t, c: t.add.signature((1,), immutable=True),
    ],
)
def test_a_signature_is_the_same_dict(real: Any, ours: Any, write: Any) -> None:
    mine, theirs = dict(write(ours, our_celery)), dict(write(real, real_celery))
    assert {**mine, "args": list(mine["args"])} == {**theirs, "args": list(theirs["args"])}
