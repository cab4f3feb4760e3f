"""Holds the bytes of an archive while it is made or checked."""

import os
import tempfile
from typing import IO

IN_MEMORY_BYTES = 128 * 1024  # 200 tasks at once make 25 MB


def spooled_file() -> IO[bytes]:
    """Returns a file without a name, which is deleted when it is closed. A small one stays in memory.

    A larger one is in TMPDIR if that is set, otherwise in /var/tmp: /tmp is memory on many systems, and a large archive
    there would count as the process's own.
    """
    on_disk = "/var/tmp" if os.access("/var/tmp", os.W_OK) else None  # noqa: S108  # nameless, so nobody can guess it
    return tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES, dir=None if os.environ.get("TMPDIR") else on_disk)
