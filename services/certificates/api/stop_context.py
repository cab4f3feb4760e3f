"""Holds the stop token for this thread's calls: set around a call, read wherever a transport waits.

It is a module of its own, because the client needs it with every transport, and the code that breaks sockets also needs
httpcore.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from bureau.stop_token import StopToken

_token: ContextVar[StopToken | None] = ContextVar("certificates_stop_token", default=None)


@contextlib.contextmanager
def stopped_by(token: StopToken) -> Iterator[None]:
    """Ends this thread's work on an interruptible transport as `Stopped` if `token` is set while the block runs."""
    before = _token.set(token)
    try:
        yield
    finally:
        _token.reset(before)


def current_token() -> StopToken | None:
    """Returns the token of the block that this thread is in."""
    return _token.get()
