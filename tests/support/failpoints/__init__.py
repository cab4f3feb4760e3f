"""Arms the failpoints, on the tests' side. `sitecustomize.py` carries them out in the processes that are started."""

import json
from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

HERE = Path(__file__).parent


class Failpoints:
    """Holds a folder of armed points, for processes started with `env`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def env(self, settings: Mapping[str, Any] | None = None) -> dict[str, str]:
        """`settings` are constants by `module:NAME`; one that is not there would change nothing, and is refused."""
        for constant in settings or {}:
            resolve_name(constant)
        return {
            "PYTHONPATH": str(HERE),
            "FAILPOINTS": str(self._folder),
            "FAILPOINT_SETTINGS": json.dumps(dict(settings or {})),
        }

    def arm(self, program: str, point: str, act: str = "kill") -> None:
        """Whole at once: a process must not read half of it."""
        new = self._folder / f".new.{program}.{point}"
        new.write_text(act)
        new.rename(self._folder / f"{program}.{point}")

    def armed(self, program: str, point: str) -> bool:
        """Whether it has not fired yet."""
        return (self._folder / f"{program}.{point}").exists()

    def disarm(self, program: str, point: str) -> None:
        (self._folder / f"{program}.{point}").unlink(missing_ok=True)

    def disarm_all(self) -> None:
        for file in self._folder.glob("[!.]*"):
            file.unlink(missing_ok=True)

    def messages(self, what: str) -> int:
        """How many messages were `doubled` or `dropped` so far."""
        counted = self._folder / f".{what}"
        return counted.stat().st_size if counted.exists() else 0
