"""Runs blocking code in threads for code on the event loop, and refuses it on the event loop itself."""

import asyncio
import contextlib
import contextvars
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

from bureau.contracts.errors import PermanentError

R = TypeVar("R")


async def in_thread(function: Callable[..., R], *arguments: object, executor: Executor | None = None) -> R:
    """Calls the function in a thread, with this code's context variables, and returns its result.

    Unlike `asyncio.to_thread`, a cancelled caller waits until the function has ended, because it may use what the
    caller closes next.
    """
    context = contextvars.copy_context()
    called = asyncio.get_running_loop().run_in_executor(executor, partial(context.run, function, *arguments))
    try:
        return await asyncio.shield(called)
    except asyncio.CancelledError:
        while not called.done():
            with contextlib.suppress(asyncio.CancelledError):  # raised below, once
                await asyncio.wait([called])
        if not called.cancelled():
            called.exception()  # read here, or asyncio would log that nobody did
        raise


def refuse_on_loop(call: str, instead: str) -> None:
    """Raises `PermanentError` (`blocks_event_loop`) if this thread runs an event loop, which `call` would block."""
    if asyncio._get_running_loop() is not None:
        raise PermanentError(
            "blocks_event_loop",
            f"{call} would block the event loop and with it all other async tasks; use {instead}.",
        )
