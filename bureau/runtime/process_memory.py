"""Measures how much memory this process holds, and returns free memory to the system."""

import os
from collections.abc import Callable
from pathlib import Path

from bureau.process import malloc

LARGE_BYTES = 64 * 1024 * 1024  # above the lowest so far: then a search through all free memory is worth it

_STATM = Path("/proc/self/statm")  # proc(5): in pages; the second number is the resident memory


def resident_bytes() -> int | None:
    """Returns the resident bytes; None if the system has no /proc."""
    try:
        pages = int(_STATM.read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


class Memory:
    """Measures the memory every few seconds, and gives memory that large work left free back to the system."""

    def __init__(
        self, resident: Callable[[], int | None] | None = None, trim: Callable[[], bool] = malloc.trim
    ) -> None:
        self._resident = resident or resident_bytes
        self._trim = trim
        self._least: int | None = None

    def looked(self) -> int | None:
        """Returns the resident bytes, after giving memory back if there is much of it."""
        held = self._resident()
        if held is None:
            return None
        if self._least is not None and held > self._least + LARGE_BYTES and self._trim():
            held = self._resident() or held
        self._least = held if self._least is None else min(self._least, held)
        return held
