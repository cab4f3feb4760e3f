"""Gives memory back to the system. Without this glibc keeps what a large request or task took, for every thread.

Each thread that allocates gets an arena of its own, and an arena gives back only what is free at its end. Fewer arenas
have fewer such holes, and `trim` gives back the holes too. Elsewhere than on glibc both do nothing.
"""

import ctypes
import threading
import time

ARENAS = 2
LEAST_SECONDS = 2.0  # between two trims: each looks through all free memory

_M_ARENA_MAX = -8  # malloc.h
_lock = threading.Lock()
_trimmed_at = 0.0


def limit_arenas() -> None:
    """For composition roots, before threads begin; MALLOC_ARENA_MAX does the same from outside."""
    if (libc := _glibc()) is not None:
        libc.mallopt(_M_ARENA_MAX, ARENAS)


def trim() -> bool:
    """Gives free memory back, unless that was done just now. Call it after work that took much. Whether it did."""
    global _trimmed_at
    libc = _glibc()
    with _lock:
        now = time.monotonic()
        if libc is None or now - _trimmed_at < LEAST_SECONDS:
            return False
        _trimmed_at = now
    libc.malloc_trim(0)
    return True


def _glibc() -> ctypes.CDLL | None:
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") and hasattr(libc, "mallopt") else None
