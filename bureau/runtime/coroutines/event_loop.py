"""Runs the event loop of a process in a thread of its own. It is made at the first start, and so after any fork."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, TypeVar

import structlog

R = TypeVar("R")

THREADS_AT_LEAST = 32  # for `asyncio.to_thread`: they mostly wait, and Python's own number for two cores is six

task_name: ContextVar[str] = ContextVar("bureau_task_name", default="")
"""The name of the execution that this code belongs to. Tasks of the loop that it starts get the same name."""

log = structlog.get_logger(__name__)


class EventLoop:
    """Runs coroutines for the other threads of a process."""

    def __init__(self, threads: int = 0) -> None:
        """`threads` is how many `asyncio.to_thread` has at least."""
        self._workers = max(threads, THREADS_AT_LEAST)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._thread: threading.Thread | None = None
        self._stopping = False

    @property
    def started(self) -> bool:
        return self._loop is not None

    @property
    def thread_id(self) -> int | None:
        return self._thread.ident if self._thread else None

    @property
    def running(self) -> asyncio.AbstractEventLoop:
        """Returns the loop, once started."""
        if self._loop is None:
            raise RuntimeError("the event loop has not been started")
        return self._loop

    def start(self) -> None:
        if self._loop is None:
            self._executor = ThreadPoolExecutor(self._workers, "to_thread")
            self._loop = asyncio.new_event_loop()
            self._loop.set_default_executor(self._executor)
            self._loop.set_task_factory(_named_after_their_execution)  # type: ignore[arg-type]  # options differ by version
            self._thread = threading.Thread(target=self._run, name="event loop", daemon=True)
            self._thread.start()

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Calls the function on the loop, soon, from any thread."""
        self.running.call_soon_threadsafe(function, *arguments)

    def wait_for(self, coroutine: Coroutine[Any, Any, R], seconds: float | None = None) -> R:
        """Runs a coroutine on the loop and returns its result to another thread. Raises `TimeoutError`."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self.running)
        try:
            return future.result(seconds)
        except TimeoutError:
            future.cancel()
            raise

    def stop(self, seconds: float = 2.0) -> None:
        """Ends the loop, and what still runs on it. Does not wait for threads that do not end."""
        if self._loop is None or self._stopping:
            return
        self._stopping = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        if self._thread is not None:
            self._thread.join(seconds)
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        loop = self.running
        asyncio.set_event_loop(loop)  # for libraries that ask for it outside of coroutines
        while not self._stopping:
            try:
                loop.run_forever()
            except BaseException:
                log.exception("code of a task tried to end the process; the event loop goes on")
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(_ended(left))
        loop.close()


async def _ended(tasks: set[asyncio.Task[Any]]) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=1.0)
    await asyncio.get_running_loop().shutdown_asyncgens()


def _named_after_their_execution(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
) -> asyncio.Task[Any]:
    """Makes a task of the loop with the name of the execution that started it, which logs can show."""
    given = {name: value for name, value in options.items() if value is not None}
    if own := task_name.get():
        given.setdefault("name", own)
    return asyncio.Task(coroutine, loop=loop, **given)
