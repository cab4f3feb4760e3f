"""What a source is spared: so many reports at a time, so long a statement."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore

from bureau.contracts.errors import Postponed
from bureau.stopping import StopToken
from services.reports.rows import Snapshot, Source

AGAIN_SECONDS = 3.0


@dataclass(frozen=True)
class Limits:
    """`at_a_time`: reports, and with that connections, of this process; `timeout_seconds`: of one statement."""

    at_a_time: int = 4
    timeout_seconds: float = 1500.0  # below a task's 30 minutes, so that the source's own reason is told


class InTurn:
    """A source read by so many at a time; who finds it busy comes again, and holds no thread meanwhile."""

    def __init__(self, source: Source, at_a_time: int) -> None:
        self.name = source.name
        self.source = source
        self._places = BoundedSemaphore(at_a_time)

    def snapshot(self, stop: StopToken) -> AbstractContextManager[Snapshot]:
        """As the source's; besides raises `Postponed` (`source_busy`)."""
        return self._with_a_place(stop)

    @contextmanager
    def _with_a_place(self, stop: StopToken) -> Iterator[Snapshot]:
        if not self._places.acquire(blocking=False):
            message = f'As many reports as SOURCE_{self.name.upper()}_AT_A_TIME allows read "{self.name}" already.'
            raise Postponed("source_busy", message, delay=AGAIN_SECONDS)
        try:
            with self.source.snapshot(stop) as snapshot:
                yield snapshot
        finally:
            self._places.release()
