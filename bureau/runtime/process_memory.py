"""How much memory this process holds."""

import os
from pathlib import Path

_STATM = Path("/proc/self/statm")  # proc(5): pages; the second number is what is resident


def resident_bytes() -> int | None:
    """What is resident now; None where the system has no /proc."""
    try:
        pages = int(_STATM.read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
