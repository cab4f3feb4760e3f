"""Defines what a task knows of its own call: `self.request`."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from bureau.celery import state


class Context:
    """Holds a call: its id, arguments, number of retries, how it was sent."""

    args: Any = None
    callbacks: Any = None
    called_directly = True
    called_once = False
    chain: Any = None
    chord: Any = None
    children: Any = ()
    correlation_id: str | None = None
    delivery_info: Any = None
    errbacks: Any = None
    eta: Any = None
    expires: Any = None
    group: str | None = None
    group_index: int | None = None
    headers: Any = None
    hostname: str | None = None
    id: str | None = None
    ignore_result = False
    is_eager = False
    kwargs: Any = None
    logfile: Any = None
    loglevel: Any = None
    origin: str | None = None
    parent_id: str | None = None
    properties: Any = None
    reply_to: Any = None
    retries = 0
    root_id: str | None = None
    shadow: Any = None
    stamps: Any = None
    stamped_headers: Any = None
    task: str | None = None
    timelimit: Any = None
    utc: Any = None
    reported: Any = None  # by update_state
    bureau: Any = None  # Bureau's own context: log, progress, artifact

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def update(self, *args: Any, **values: Any) -> None:
        self.__dict__.update(*args, **values)

    def get(self, key: str, default: Any = None) -> Any:
        return getattr(self, key, default)

    def __repr__(self) -> str:
        return f"<Context: { {key: value for key, value in vars(self).items() if key != 'bureau'}!r}>"


@contextmanager
def running(task: Any, request: Context) -> Iterator[Context]:
    """Makes the task and its request those of this thread, or coroutine, during the block."""
    token = state.CURRENT.set((task, request))
    try:
        yield request
    finally:
        state.CURRENT.reset(token)


@cache
def hostname() -> str:
    """Returns the name of this machine as Celery writes it."""
    return f"celery@{socket.gethostname()}"
