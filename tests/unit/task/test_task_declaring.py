"""Tests which functions can be tasks, and which are refused: by signature, name, policy or duplicate name."""

import functools
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bureau.task import DECLARED, Context, Task, task
from tests.support.context import FakeContext
from tests.support.running.processes import ROOT


@pytest.fixture
def ctx(tmp_path: Path) -> FakeContext:
    return FakeContext(tmp_path)


@pytest.fixture
def declared() -> Iterator[dict[str, Task[Any, Any]]]:
    """What `@task` has declared, as it was before at the end."""
    before = dict(DECLARED)
    yield DECLARED
    DECLARED.clear()
    DECLARED.update(before)


def a_task(function: Callable[..., Any], **policy: Any) -> Task[Any, Any]:
    return Task("shop.work", function, **policy)


def suma(ctx: Context, a: int, b: int = 2) -> int:
    """Adds two numbers."""
    return a + b


def positional_only(ctx: Context, a: int, /) -> None: ...
def many(ctx: Context, *values: int) -> None: ...
def anything(ctx: Context, **values: int) -> None: ...
def nothing() -> None: ...
def without_context(a: int, b: int) -> None: ...
def context_not_first(a: int, ctx: Context) -> None: ...
def generates(ctx: Context) -> Iterator[int]:
    yield 1


async def generates_later(ctx: Context) -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (positional_only, "a"),
        (many, "*values"),
        (anything, "**values"),
        (nothing, "first parameter"),
        (without_context, "first parameter"),
        (context_not_first, "first parameter"),
        (generates, "generator"),
        (generates_later, "generator"),
    ],
)
def test_a_signature_that_cannot_be_served_is_refused_by_name(function: Callable[..., Any], says: str) -> None:
    with pytest.raises(TypeError) as refused:
        a_task(function)
    assert "shop.work" in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.parametrize("name", ["suma", "Shop.suma", "shop.", ".suma", "shop.Suma", "shop suma", "1shop.suma", ""])
def test_a_name_without_service_and_plain_letters_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Task(name, suma)


@pytest.mark.parametrize(
    "policy",
    [
        {"max_attempts": 0},
        {"max_attempts": 101},
        {"base_seconds": 0},
        {"cap_seconds": -1},
        {"time_limit_seconds": 0},
        {"time_limit_seconds": 90_000},
    ],
)
def test_a_policy_out_of_bounds_is_refused(policy: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(policy))):
        a_task(suma, **policy)


def test_the_decorator_declares_a_task(declared: dict[str, Task[Any, Any]], ctx: FakeContext) -> None:
    @task("shop.double", max_attempts=2)
    def double(ctx: Context, n: int) -> int:
        return 2 * n

    assert declared["shop.double"] is double
    assert double.service == "shop"
    assert double.description.retry.max_attempts == 2
    assert double(ctx, 4) == 8


def test_the_tasks_in_the_docs_take_files(declared: dict[str, Task[Any, Any]]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/extending.md").read_text(), re.DOTALL)
    (files,) = [block for block in blocks if block.startswith("# shop/files.py")]
    declared.clear()
    exec(files, {"__name__": "shop.files"})  # noqa: S102 - our own
    inputs = {name: set(made.description.input_schema["properties"]) for name, made in declared.items()}
    assert inputs == {"shop.join": {"files"}, "shop.count_lines": {"file"}}


def test_two_functions_of_one_name_are_refused(declared: dict[str, Task[Any, Any]]) -> None:
    task("shop.twice")(suma)
    task("shop.twice")(suma)  # the same module read again, under another name
    with pytest.raises(ValueError, match=r"shop\.twice"):
        task("shop.twice")(nothing_but_context)


def nothing_but_context(ctx: Context) -> None: ...


def test_a_decorated_function_keeps_its_signature(ctx: FakeContext) -> None:
    def logged(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return inner

    assert a_task(logged(suma)).run(ctx, {"a": 1}) == 3
