"""The client that a test gets."""

from pathlib import Path
from typing import Any, Protocol

from bureau.client import Bureau, Job, Patience
from bureau.testing.outbox import Outbox

AT_ONCE = Patience(seconds=0.0)  # it is in this process: what does not answer is broken


class Named(Protocol):
    """A task, as `@task` made it."""

    name: str


class BureauInProcess(Bureau):
    """A client of the Bureau in this process, with `submit` for tasks and the `outbox`."""

    def __init__(self, url: str, outbox: Path) -> None:
        super().__init__(url, patience=AT_ONCE)
        self.outbox = Outbox(outbox)

    def submit(self, task: Named | str, /, input: dict[str, Any] | None = None, **given: Any) -> Job:
        """A job of one task, the function itself or its name: `submit(suma, a=2, b=2).wait(10).result()`.

        Terms such as `retry={"max_attempts": 1}` or `delay_seconds=3` go along, as in `Bureau.task`.
        """
        return self.task(task if isinstance(task, str) else task.name, input, **given)
