"""Defines `@lifespan`, which makes a resource once a process and closes it at the end.

    @lifespan
    async def session() -> AsyncIterator[aiohttp.ClientSession]:
        async with aiohttp.ClientSession() as made:
            yield made

    @task("shop.price")
    async def price(ctx: Context, url: str) -> str:
        async with session.value.get(url) as answer:
            return await answer.text()

It begins before the process takes its first task and ends after the last one. An `async def` function runs on the event
loop of the tasks, for libraries whose clients belong to one loop. A task begins with the context variables that it set.
"""

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, Generic, TypeVar

from bureau.threads import in_thread

T = TypeVar("T")


class Lifespan(Generic[T]):
    """Holds a resource while its process runs tasks. `function` is a generator that yields it once."""

    def __init__(self, function: Callable[[], AsyncIterator[T] | Iterator[T]]) -> None:
        """Raises `TypeError` for a function that is not a generator, or needs arguments."""
        self.name = getattr(function, "__qualname__", None) or repr(function)
        self._function: Callable[[], Any] = function
        self._asynchronous = inspect.isasyncgenfunction(function)
        self._held: list[T] = []
        if not self._asynchronous and not inspect.isgeneratorfunction(function):
            raise TypeError(f"lifespan {self.name}: yield the resource once: def {self.name}(): …; yield made; …")
        if inspect.signature(function).parameters:
            raise TypeError(f"lifespan {self.name}: it takes no arguments")

    @property
    def value(self) -> T:
        """Returns the resource. Raises `RuntimeError` outside of a process that runs tasks."""
        if not self._held:
            raise RuntimeError(f"lifespan {self.name} has not begun: its value exists while a process runs tasks")
        return self._held[0]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Makes the resource for a block, on the event loop. For the worker process, and for tests."""
        async with self._made() as made:
            self._held = [made]
            try:
                yield
            finally:
                self._held = []

    def _made(self) -> AbstractAsyncContextManager[T]:
        if self._asynchronous:
            return asynccontextmanager(self._function)()
        return self._made_in_threads()

    @asynccontextmanager
    async def _made_in_threads(self) -> AsyncIterator[T]:
        made = contextmanager(self._function)()
        value = await in_thread(made.__enter__)
        try:
            yield value
        finally:
            await in_thread(made.__exit__, None, None, None)


LIFESPANS: list[Lifespan[Any]] = []  # all that `@lifespan` made, in their order, for `bureau.worker`


def lifespan(function: Callable[[], AsyncIterator[T] | Iterator[T]]) -> Lifespan[T]:
    """Makes a generator function the life of a resource: what comes before its `yield` makes it, the rest closes it."""
    made = Lifespan(function)
    LIFESPANS.append(made)
    return made
