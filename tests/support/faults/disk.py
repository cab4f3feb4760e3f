"""Provides a small separate disk for the files: it can be full, read-only, or away."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.waiting import until

MEGABYTES = 96


class Disk:
    """Mounts the disk at `folder` if that is allowed; otherwise its faults are those of a folder that is gone."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.mounted = _mount("-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", folder)

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "-l", self.folder], check=True)

    @contextmanager
    def full(self) -> Iterator[None]:
        if not self.mounted:
            with self.away():
                yield
            return
        filling = self.folder / "filling"
        try:
            with filling.open("wb") as file:
                while True:
                    file.write(bytes(1 << 16))
                    file.flush()
        except OSError:
            """No space is left."""
        try:
            yield
        finally:
            filling.unlink()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        if not self.mounted:
            with self.away():
                yield
            return
        # Refused while somebody writes: between two files it is not.
        until(lambda: _mount("-o", "remount,ro", self.folder), 30, "nobody writes for a moment")
        try:
            yield
        finally:
            assert _mount("-o", "remount,rw", self.folder)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Something else is in the folder's place."""
        aside = self.folder.with_name(f"{self.folder.name}.aside")
        if self.mounted:
            assert _mount("-t", "tmpfs", "-o", "size=4k,mode=000,nr_inodes=1", "tmpfs", self.folder)
        else:
            self.folder.rename(aside)
            self.folder.write_bytes(b"")
        try:
            yield
        finally:
            if self.mounted:
                subprocess.run(["umount", "-l", self.folder], check=True)
            else:
                self.folder.unlink()
                os.rename(aside, self.folder)


def _mount(*arguments: str | Path) -> bool:
    done = subprocess.run(["mount", *arguments], capture_output=True, check=False)
    return done.returncode == 0
