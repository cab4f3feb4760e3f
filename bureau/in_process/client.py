"""Defines the client that a test gets."""

from pathlib import Path
from typing import Any, Protocol

from bureau.client import Bureau, Job, Patience
from bureau.in_process.outbox import Outbox

NO_RETRIES = Patience(seconds=0.0)  # Bureau is in this process, so a failed request will not succeed later


class NamedTask(Protocol):
    """Describes the part of a task that `submit` needs."""

    name: str


class BureauInProcess(Bureau):
    """Provides a client of the Bureau in this process, with `submit` for tasks and the `outbox`."""

    def __init__(self, url: str, outbox: Path) -> None:
        super().__init__(url, patience=NO_RETRIES)
        self.outbox = Outbox(outbox)

    def submit(self, task: NamedTask | str, /, input: dict[str, Any] | None = None, **keywords: Any) -> Job:
        """Submits a job of one task, given as the function or its name: `submit(suma, a=2, b=2).wait(10).result()`.

        Keywords may be terms such as `retry={"max_attempts": 1}` or `delay_seconds=3`, as in `Bureau.task`. Raises
        `Problem`, `Unreachable`.
        """
        return self.task(task if isinstance(task, str) else task.name, input, **keywords)
