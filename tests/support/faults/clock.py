"""A wall clock that tests set: Debian's libfaketime, preloaded into the processes that shall believe it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.installing import installed


def _library() -> Path | None:
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


class Clock:
    """The time of the machine, `ahead_seconds` off; monotonic clocks are left alone."""

    def __init__(self, folder: Path) -> None:
        self._library = installed(_library, "faketime", "nothing")
        self._file = folder / "clock"
        self.set(0)
        self._file.chmod(0o644)

    @property
    def env(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, ahead_seconds: int) -> None:
        """Processes look once a second."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead_seconds:+d}")
        new.chmod(0o644)
        new.rename(self._file)

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
