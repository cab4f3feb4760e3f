"""Tests what Django's own suite asks of every task backend, as far as it is not tested on the gateway beside it.

Tasks run as a worker calls them, in this process.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.django.conftest import Shop

if TYPE_CHECKING:
    from bureau.django.testing.recorded import RecordedTasks


@pytest.fixture
def tasks(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tasks of the contract, which no app of the shop has."""
    from bureau.django.tasks_api import Task
    from tests.integration.django import contract_tasks

    found = {one.module_path: one for one in vars(contract_tasks).values() if isinstance(one, Task)}
    monkeypatch.setattr("bureau.django.backend.discovered", lambda: found)
    return contract_tasks


@pytest.fixture
def recorded(tasks: ModuleType) -> Iterator[RecordedTasks]:
    from bureau.django.testing.recorded import recording

    with recording() as found:
        found.clear()
        yield found
        found.clear()


def facts(result: Any) -> tuple[Any, ...]:
    """All but when it was enqueued, which the one who stores it says again by its own clock."""
    return (result.id, result.task, result.status, result.args, result.kwargs, result.errors, result.worker_ids)


@pytest.mark.parametrize("name", ["nothing", "nothing_async"])
def test_a_task_is_enqueued_and_ends_with_all_its_facts(tasks: Any, recorded: RecordedTasks, name: str) -> None:
    task = getattr(tasks, name)
    result = task.enqueue(1, two=3)
    assert (result.status, result.task, result.args, result.kwargs) == ("READY", task, [1], {"two": 3})
    with pytest.raises(ValueError, match="has not finished"):
        _ = result.return_value
    recorded.run()
    result.refresh()
    assert (result.status, result.is_finished, result.return_value, result.attempts) == ("SUCCESSFUL", True, None, 1)
    assert result.enqueued_at <= result.started_at <= result.last_attempted_at <= result.finished_at


def test_asynchronous_calls_do_the_same(tasks: Any, recorded: RecordedTasks) -> None:
    async def calls() -> Any:
        result = await tasks.meaning.aenqueue()
        before = facts(result)
        await result.arefresh()
        assert facts(result) == before == facts(await tasks.meaning.aget_result(result.id))
        return result

    result = asyncio.run(calls())
    recorded.run()
    asyncio.run(result.arefresh())
    assert result.return_value == 42


@pytest.mark.parametrize("way", ["enqueue", "aenqueue"])
def test_an_argument_that_is_no_json_is_a_type_error(tasks: Any, recorded: RecordedTasks, way: str) -> None:
    calls = {"enqueue": tasks.nothing.enqueue, "aenqueue": lambda given: asyncio.run(tasks.nothing.aenqueue(given))}
    with pytest.raises(TypeError, match="Unsupported type"):
        calls[way](datetime.now(UTC))
    assert recorded.enqueued() == []


def test_using_makes_new_tasks(tasks: Any) -> None:
    now = datetime.now(UTC)
    later = tasks.nothing.using(run_after=now)
    chained = later.using(priority=10).using(queue_name="slow")
    assert (chained.run_after, chained.priority, chained.queue_name) == (now, 10, "slow")
    assert (later.priority, tasks.nothing.run_after, tasks.nothing.queue_name) == (0, None, "default")
    assert tasks.nothing.using() == tasks.nothing
    assert tasks.nothing.using() is not tasks.nothing


def test_what_is_invalid_is_refused(tasks: Any) -> None:
    from bureau.django.tasks_api import InvalidTask, declare_task

    for terms in ({"priority": -101}, {"priority": 101}, {"priority": 3.1}, {"run_after": datetime(2026, 1, 1)}):
        with pytest.raises(InvalidTask):
            tasks.nothing.using(**terms)
    for unknown in ("unknown", ""):
        with pytest.raises(Exception, match=r"doesn't exist|not valid|rename it"):
            tasks.nothing.using(backend="unknown") if unknown else tasks.nothing.using(queue_name="nowhere")
    for function in (any, test_what_is_invalid_is_refused.__get__(object())):
        with pytest.raises(InvalidTask, match="module level"):
            declare_task()(function)
    with pytest.raises(InvalidTask, match="first argument of 'context'"):
        declare_task(takes_context=True)(tasks.meaning.func)


def test_a_result_belongs_to_its_task(tasks: Any, recorded: RecordedTasks) -> None:
    from bureau.django.tasks_api import TaskResultDoesNotExist

    result = tasks.meaning.enqueue()
    assert facts(tasks.meaning.get_result(result.id)) == facts(result)
    with pytest.raises(Exception, match="Task does not match"):
        tasks.nothing.get_result(result.id)
    for unknown in ("123", "00000000-0000-7000-8000-000000000000"):
        with pytest.raises(TaskResultDoesNotExist):
            tasks.meaning.get_result(unknown)


@pytest.mark.parametrize(
    ("name", "raised", "words"),
    [
        ("exits", SystemExit, "SystemExit: This Task failed due to SystemExit\n"),
        ("complex_exception", ValueError, 'ValueError(ValueError("This task failed"))'),
        ("complex_value", TypeError, "Unsupported type"),
    ],
)
def test_whatever_is_raised_fails_the_task(
    tasks: Any, recorded: RecordedTasks, name: str, raised: type[BaseException], words: str
) -> None:
    result = getattr(tasks, name).enqueue()
    recorded.run()
    result.refresh()
    (error,) = result.errors
    assert (result.status, error.exception_class) == ("FAILED", raised)
    assert words in error.traceback
    with pytest.raises(ValueError, match="Task failed"):
        _ = result.return_value


def test_the_context_knows_the_result_and_the_attempt(tasks: Any, recorded: RecordedTasks) -> None:
    result = tasks.own_id.enqueue()
    (ran,) = recorded.run()
    assert ran.return_value == [result.id, 1, "RUNNING"]


@pytest.mark.parametrize(("name", "end"), [("nothing", "SUCCESSFUL"), ("complex_exception", "FAILED")])
def test_signals_are_sent_and_django_logs_them(
    tasks: Any, recorded: RecordedTasks, caplog: pytest.LogCaptureFixture, name: str, end: str
) -> None:
    logger = "django.tasks" if importlib.util.find_spec("django.tasks") else "django_tasks"
    with caplog.at_level(logging.DEBUG, logger=logger):
        result = getattr(tasks, name).enqueue()
        recorded.run()
    lines = [record.getMessage() for record in caplog.records if record.name.startswith(logger)]
    assert len(lines) == 3
    assert all(result.id in line for line in lines)
    assert "enqueued" in lines[0]
    assert "state=RUNNING" in lines[1]
    assert f"state={end}" in lines[2]


def test_a_task_survives_pickling_where_django_s_does(tasks: Any) -> None:
    if "__reduce__" in vars(next(kind for kind in type(tasks.meaning).__mro__ if kind.__name__ == "Task")):
        assert pickle.loads(pickle.dumps(tasks.meaning.using(priority=5))) == tasks.meaning.using(priority=5)  # noqa: S301
