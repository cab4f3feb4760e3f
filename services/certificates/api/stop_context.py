"""The stop token that rules this thread's calls: set around a call, read wherever a transport waits.

A file of its own, because the client needs it with every transport, and what breaks sockets needs httpcore besides.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from bureau.stop_token import StopToken

_token: ContextVar[StopToken | None] = ContextVar("certificates_stop_token", default=None)


@contextlib.contextmanager
def stopped_by(token: StopToken) -> Iterator[None]:
    """While the block runs, this thread's work on an interruptible transport ends as `Stopped` once `token` is set."""
    before = _token.set(token)
    try:
        yield
    finally:
        _token.reset(before)


def current_token() -> StopToken | None:
    """The token of the block that this thread is in."""
    return _token.get()
