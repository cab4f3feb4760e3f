"""Begins the lifespans of a process before its first task, and ends them after its last one."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from contextvars import Context as Variables
from contextvars import copy_context
from typing import Any

import structlog

from bureau.lifespans import Lifespan
from bureau.runtime.coroutines.event_loop import EventLoop

BEGIN_SECONDS = 60.0
END_SECONDS = 5.0

log = structlog.get_logger(__name__)


class LifespanFailed(Exception):
    """Says which lifespan did not begin, so that the process cannot run tasks."""


class Lifespans:
    """Runs them all in one task of the event loop, from `begin` to `end`: some libraries want one task for both."""

    def __init__(self, lifespans: Sequence[Lifespan[Any]], loop: EventLoop) -> None:
        self._lifespans = list(dict.fromkeys(lifespans))  # several services may name the same one
        self._loop = loop
        self._begun: Future[Variables] = Future()
        self._ended: Future[None] = Future()
        self._closing: asyncio.Event | None = None

    def __bool__(self) -> bool:
        return bool(self._lifespans)

    def begin(self) -> Variables:
        """Returns the context variables that tasks begin with. Raises `LifespanFailed`."""
        self._loop.call(lambda: asyncio.ensure_future(self._run()))
        try:
            return self._begun.result(BEGIN_SECONDS)
        except TimeoutError as error:
            names = ", ".join(one.name for one in self._lifespans)
            raise LifespanFailed(f"did not begin within {BEGIN_SECONDS:g} s: one of {names}") from error

    def end(self) -> None:
        """Ends them, the last one first; does not wait long for one that hangs."""
        if self._closing is None:
            return
        self._loop.call(self._closing.set)
        try:
            self._ended.result(END_SECONDS)
        except TimeoutError:
            log.warning("a lifespan did not end in time", seconds=END_SECONDS)

    async def _run(self) -> None:
        self._closing = asyncio.Event()
        try:
            async with AsyncExitStack() as stack:
                for one in self._lifespans:
                    await self._enter(stack, one)
                self._begun.set_result(copy_context())
                await self._closing.wait()
        except LifespanFailed as error:
            self._begun.set_exception(error)
        finally:
            self._ended.set_result(None)

    async def _enter(self, stack: AsyncExitStack, one: Lifespan[Any]) -> None:
        running = one.running()
        try:
            await running.__aenter__()
        except Exception as error:
            raise LifespanFailed(f"lifespan {one.name} raised {type(error).__name__}: {error}") from error
        stack.push_async_callback(_leave, one.name, running)


async def _leave(name: str, running: AbstractAsyncContextManager[None]) -> None:
    """Ends a lifespan. Its error is nothing to the others, whose code would be told of it."""
    try:
        await running.__aexit__(None, None, None)
    except Exception:
        log.exception("a lifespan raised at its end", lifespan=name)
