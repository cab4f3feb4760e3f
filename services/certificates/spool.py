"""Where large temporary files go."""

import os
import tempfile
from typing import IO


def large_temporary_file() -> IO[bytes]:
    """A nameless file, gone when closed: in TMPDIR where that is set, else in /var/tmp, since /tmp is memory on many
    systems and a large archive there would count as the process's own."""
    on_disk = "/var/tmp" if os.access("/var/tmp", os.W_OK) else None  # noqa: S108  # nameless, so nobody can guess it
    return tempfile.TemporaryFile(dir=None if os.environ.get("TMPDIR") else on_disk)
