"""Health checks of the gateway's dependencies, every few seconds from the first page on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Lock

from bureau.ledger.db.database import LedgerUnavailable
from bureau.messaging.broker import BrokerKind
from bureau.process.background_loop import Loop
from bureau.services.gateway.console.state.dependency import Dependency, DependencyStatus
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.health_checks import StorageProbe, StorageState

LOOK_SECONDS = 5.0
_BROKERS: dict[BrokerKind, str] = {"amqp": "RabbitMQ", "memory": "In-process broker"}


@dataclass(frozen=True)
class Found:
    """The result of one health check."""

    standing: DependencyStatus = DependencyStatus.OK
    detail: str | None = None


Check = Callable[[], Found]

_LEDGER_AWAY = Found(DependencyStatus.AWAY, "The ledger's database does not answer.")


class Watch:
    """Checks dependencies in a thread until `stopping` is set. `seen` returns the last results.

    The first call of `seen` checks by itself. A result's `since` is when this gateway first saw that status.
    """

    def __init__(self, checks: Mapping[str, Check], stopping: Event) -> None:
        self._checks = checks
        self._stopping = stopping
        self._lock = Lock()
        self._seen: dict[str, Dependency] = {}
        self._loop = Loop("dependencies", self._look)

    @classmethod
    def of(cls, gateway: Gateway) -> "Watch":
        probe = StorageProbe(gateway.storage)
        checks: dict[str, Check] = {
            broker_name(gateway): lambda: _broker(gateway),
            "Database": lambda: _database(gateway),
            "Storage": lambda: _storage(probe.look()),
        }
        return cls(checks, gateway.stopping)

    def seen(self) -> list[Dependency]:
        with self._lock:
            first = len(self._seen) < len(self._checks)
        if first:
            self._look()
        self._loop.start()
        with self._lock:
            return [self._seen[name] for name in self._checks if name in self._seen]

    def ledger_away(self) -> Dependency:
        """Notes that a request just found the ledger unavailable."""
        self._note("Database", _LEDGER_AWAY)
        self._loop.start()
        return self._seen["Database"]

    def _look(self) -> float:
        if self._stopping.is_set():
            self._loop.stop()
            return 0.0
        for name, check in self._checks.items():
            self._note(name, check())
        return LOOK_SECONDS

    def _note(self, name: str, found: Found) -> None:
        with self._lock:
            before = self._seen.get(name)
            since = before.since if before and before.standing is found.standing else datetime.now(UTC)
            self._seen[name] = Dependency(name, found.standing, since, found.detail)


def broker_name(gateway: Gateway) -> str:
    return _BROKERS[gateway.relay.broker_kind]


def _broker(gateway: Gateway) -> Found:
    if gateway.relay.healthy:
        return Found()
    return Found(DependencyStatus.AWAY, "Jobs are accepted and start when it is back.")


def _database(gateway: Gateway) -> Found:
    try:
        gateway.database.ping()
    except LedgerUnavailable:
        return _LEDGER_AWAY
    return Found()


def _storage(state: StorageState) -> Found:
    if state.error:
        return Found(DependencyStatus.AWAY, state.error.message)
    if state.warning:
        return Found(DependencyStatus.WARNS, state.warning)
    return Found(detail=f"{state.used_percent} % full" if state.used_percent is not None else None)
