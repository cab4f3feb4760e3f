"""Holds tasks such as Django's own tests of backends have; for test_contract."""

from typing import Any

from bureau.django.tasks_api import declare_task


@declare_task()
def nothing(*_args: Any, **_kwargs: Any) -> None:
    """Does nothing."""


@declare_task()
async def nothing_async(*_args: Any, **_kwargs: Any) -> None:
    """Does nothing."""


@declare_task()
def meaning() -> int:
    return 42


@declare_task()
def exits() -> None:
    raise SystemExit("This Task failed due to SystemExit")


@declare_task()
def complex_exception() -> None:
    raise ValueError(ValueError("This task failed"))


@declare_task()
def complex_value() -> Any:
    return lambda: True


@declare_task(takes_context=True)
def own_id(context: Any) -> list[Any]:
    return [context.task_result.id, context.attempt, context.task_result.status]
