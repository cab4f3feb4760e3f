"""Pauses the garbage collector; composition roots do this around their imports."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keeps the garbage collector from running in the block, and from looking at what the block made afterwards.

    Imports make hundreds of thousands of objects that live as long as the process. The collector would walk them again
    and again while they are made, a sixth of a process's start, and at each full collection later.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()
