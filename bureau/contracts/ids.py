"""Makes identifiers: UUID version 7 (RFC 9562, section 5.7), which keeps new rows together in an index."""

import os
import time
from uuid import UUID


def new_id() -> UUID:
    """Returns a new UUID version 7: 48 bits of milliseconds since 1970, then random bits."""
    milliseconds = (time.time_ns() // 1_000_000) & ((1 << 48) - 1)
    value = milliseconds << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | (0x7 << 76)  # version 7
    value = value & ~(0x3 << 62) | (0x2 << 62)  # the RFC's variant
    return UUID(int=value)
