"""Holds the resources that the gateway's process provides to its views."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from threading import Event, Semaphore
from typing import Protocol

from bureau.ledger.db.database import Database
from bureau.ledger.dispatch.hints import Hint
from bureau.messaging.broker import BrokerKind
from bureau.services.gateway.auth.authenticator import Authenticator
from bureau.services.gateway.auth.quota import OpenJobsQuota
from bureau.services.gateway.held_keys import HeldKeys
from bureau.services.gateway.settings import GatewaySettings
from bureau.services.gateway.submitter import Submitter
from bureau.storage import Storage
from bureau.submission.announcements import Announcements


class HintRelay(Protocol):
    """Publishes due messages: `bureau.messaging.relay.Relay`, or anything with its interface."""

    @property
    def broker_kind(self) -> BrokerKind: ...
    @property
    def healthy(self) -> bool: ...
    @property
    def last_error(self) -> str | None: ...
    def wake(self) -> None: ...
    def publish(self, stamped: Iterable[tuple[str, Hint]]) -> None: ...
    def defer(self, action: Callable[[], None]) -> None: ...


@dataclass(frozen=True)
class Gateway:
    """Holds the resources of the gateway.

    Setting `stopping` ends event streams, and the waits of requests with `Prefer: wait`.
    """

    settings: GatewaySettings
    database: Database
    storage: Storage
    relay: HintRelay
    announcements: Announcements
    stopping: Event = field(default_factory=Event)

    @cached_property
    def wait_slots(self) -> Semaphore:
        """Limits how many requests may hold a thread with `Prefer: wait` at once."""
        return Semaphore(self.settings.wait_limit)

    @cached_property
    def gate(self) -> Authenticator:
        return Authenticator(self.settings, self.database)

    @cached_property
    def submitter(self) -> Submitter:
        return Submitter(self.database, self.relay)

    @cached_property
    def open_jobs(self) -> OpenJobsQuota:
        return OpenJobsQuota(self.database, self.settings)

    @cached_property
    def held_keys(self) -> HeldKeys:
        return HeldKeys(self.database, self.stopping)
