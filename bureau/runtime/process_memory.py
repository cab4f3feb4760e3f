"""How much memory this process holds."""

import os
from collections.abc import Callable
from pathlib import Path

from bureau import malloc

LARGE_BYTES = 64 * 1024 * 1024  # more than the least so far: then it is worth to look through all free memory

_STATM = Path("/proc/self/statm")  # proc(5): pages; the second number is what is resident


def resident_bytes() -> int | None:
    """What is resident now; None where the system has no /proc."""
    try:
        pages = int(_STATM.read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


class Memory:
    """What the process holds, looked at every few seconds. What large work left behind is given back to the system."""

    def __init__(
        self, resident: Callable[[], int | None] | None = None, trim: Callable[[], bool] = malloc.trim
    ) -> None:
        self._resident = resident or resident_bytes
        self._trim = trim
        self._least: int | None = None

    def looked(self) -> int | None:
        """What is resident now, in bytes."""
        held = self._resident()
        if held is None:
            return None
        if self._least is not None and held > self._least + LARGE_BYTES and self._trim():
            held = self._resident() or held
        self._least = held if self._least is None else min(self._least, held)
        return held
