"""Runs coroutines for tests that are not: as a worker does, a stop token cancels them."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from bureau.runtime.coroutines.event_loop import EventLoop
from bureau.services.certificates.api.client import CertificatesApi
from bureau.stop_token import StopToken

R = TypeVar("R")


async def stoppable(stop: StopToken, coroutine: Coroutine[Any, Any, R]) -> R:
    """Awaits it; raises `Stopped` where it was cancelled because the token was set."""
    loop, me = asyncio.get_running_loop(), asyncio.current_task()
    assert me is not None

    def cancel() -> None:
        loop.call_soon_threadsafe(me.cancel)

    try:
        with stop.interrupting(cancel):
            return await coroutine
    except asyncio.CancelledError:
        stop.check()
        raise
    finally:
        coroutine.close()


def run(stop: StopToken, coroutine: Coroutine[Any, Any, R]) -> R:
    """Runs it to its end on a loop of its own."""
    return asyncio.run(stoppable(stop, coroutine))


def run_on(loop: EventLoop, stop: StopToken, coroutine: Coroutine[Any, Any, R]) -> R:
    """Runs it to its end on this loop, on which other threads may run others."""
    return loop.wait_for(stoppable(stop, coroutine))


async def closing(api: CertificatesApi, coroutine: Coroutine[Any, Any, R]) -> R:
    """Awaits it, and then closes the API's client on the same loop."""
    try:
        return await coroutine
    finally:
        await api.close()
