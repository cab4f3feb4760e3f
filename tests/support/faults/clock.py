"""Provides a wall clock that tests set: a small library (clock.c), preloaded into the processes that shall believe it.

libfaketime would do the same, but it fakes sleeping too: workers under Debian's ended in `time.sleep` with EINVAL.
"""

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.servers.installing import installed

_SOURCE = Path(__file__).with_suffix(".c")


class Clock:
    """Shifts the machine's time by some seconds; monotonic clocks are left alone. Its files are in `folder`."""

    def __init__(self, folder: Path) -> None:
        compiler = installed(lambda: shutil.which("gcc"), "build-essential", "nothing")
        library, self._offset = folder / "clock.so", folder / "clock.offset"
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, _SOURCE], check=True)
        self.set(0)
        self.env = {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(self._offset)}

    def set(self, ahead_seconds: int) -> None:
        """Seen at once by all who believe it: they have the file in their memory, so it is written in place."""
        file = os.open(self._offset, os.O_WRONLY | os.O_CREAT, 0o644)
        os.pwrite(file, struct.pack("=q", ahead_seconds * 1_000_000_000), 0)
        os.close(file)

    @contextmanager
    def believed(self) -> Iterator[None]:
        """By processes that are started in the block."""
        before = {name: os.environ.get(name) for name in self.env}
        os.environ.update(self.env)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
