"""What the gateway needs, and since when it is away: looked at every few seconds from the first page on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Lock

from bureau.contracts.errors import TaskError
from bureau.ledger.database import LedgerUnavailable
from bureau.loop import Loop
from services.gateway.gateway import Gateway
from services.gateway.health_checks import StorageProbe

LOOK_SECONDS = 5.0

Check = Callable[[], str | None]  # what is wrong, in words; None while nothing is


@dataclass(frozen=True)
class Seen:
    """How one of them stands. `since` is when it was first seen to be so."""

    wrong: str | None
    since: datetime


class Watch:
    """`seen` is what the last look saw, and the first call looks itself. Its thread ends once `stopping` is set."""

    def __init__(self, checks: Mapping[str, Check], stopping: Event) -> None:
        self._checks = checks
        self._stopping = stopping
        self._lock = Lock()
        self._seen: dict[str, Seen] = {}
        self._loop = Loop("dependencies", self._look)

    @classmethod
    def of(cls, gateway: Gateway) -> "Watch":
        probe = StorageProbe(gateway.storage)
        checks: dict[str, Check] = {
            "RabbitMQ": lambda: None if gateway.relay.healthy else "Jobs are accepted and start when it is back.",
            "Database": lambda: _failure(gateway.database.ping),
            "Storage": lambda: _failure(probe.check),
        }
        return cls(checks, gateway.stopping)

    def seen(self) -> dict[str, Seen]:
        with self._lock:
            first = not self._seen
        if first:
            self._look()
        self._loop.start()
        with self._lock:
            return dict(self._seen)

    def ledger_away(self) -> Seen:
        """A request just found the ledger away."""
        self._note("Database", "The ledger's database does not answer.")
        self._loop.start()
        return self._seen["Database"]

    def _look(self) -> float:
        if self._stopping.is_set():
            self._loop.stop()
            return 0.0
        for name, check in self._checks.items():
            self._note(name, check())
        return LOOK_SECONDS

    def _note(self, name: str, wrong: str | None) -> None:
        with self._lock:
            before = self._seen.get(name)
            if before is None or (before.wrong is None) != (wrong is None):
                self._seen[name] = Seen(wrong, datetime.now(UTC))


def _failure(check: Callable[[], None]) -> str | None:
    try:
        check()
    except LedgerUnavailable:
        return "The ledger's database does not answer."
    except TaskError as error:
        return error.message
    return None
