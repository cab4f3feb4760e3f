"""Runs blocking code in threads for code on the event loop, and refuses it on the event loop itself."""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Generic, TypeVar

from bureau.contracts.errors import PermanentError

R = TypeVar("R")


class _Call(Generic[R]):
    """Calls the function once, unless it was given up before a thread began with it."""

    def __init__(self, function: Callable[[], R]) -> None:
        self._function = function
        self._context = contextvars.copy_context()
        self._lock = threading.Lock()
        self._begun = False
        self._given_up = False

    def __call__(self) -> R:
        with self._lock:
            if self._given_up:
                raise asyncio.CancelledError
            self._begun = True
        return self._context.run(self._function)

    def give_up(self) -> bool:
        """Returns whether no thread has begun with it; then none does."""
        with self._lock:
            self._given_up = not self._begun
            return self._given_up


async def in_thread(function: Callable[..., R], *arguments: object, executor: Executor | None = None) -> R:
    """Calls the function in a thread, with this code's context variables, and returns its result.

    Unlike `asyncio.to_thread`, a cancelled caller waits until the function has ended, because it may use what the
    caller closes next.
    """
    call = _Call(lambda: function(*arguments))
    called = asyncio.get_running_loop().run_in_executor(executor, call)
    try:
        return await asyncio.shield(called)
    except asyncio.CancelledError:
        if not call.give_up():
            await _ended(called)
        raise


async def _ended(called: "asyncio.Future[R]") -> None:
    """Waits for the end of a call, whoever cancels this meanwhile."""
    while not called.done():
        with contextlib.suppress(asyncio.CancelledError):  # the caller raises it, once
            await asyncio.wait([called])
    if not called.cancelled():
        called.exception()  # read here, or asyncio would log that nobody did


def refuse_on_loop(call: str, instead: str) -> None:
    """Raises `PermanentError` (`blocks_event_loop`) if this thread runs an event loop, which `call` would block."""
    if asyncio._get_running_loop() is not None:
        raise PermanentError(
            "blocks_event_loop",
            f"{call} would block the event loop and with it all other async tasks; use {instead}.",
        )
