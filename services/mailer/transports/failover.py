"""The transports in their order: which one a mail goes to, and which one next when that is away."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bureau.contracts.errors import Postponed
from bureau.contracts.mail.delivery import DeliveryState
from bureau.contracts.outage import Outage
from bureau.ledger.mail.deliveries import MailDelivery
from bureau.services.mailer.transports.base import Transport
from bureau.services.mailer.transports.circuit_breaker import CircuitBreaker, Closed


@dataclass(frozen=True)
class TransportEntry:
    """A transport on the way, by the name that delivery rows give it."""

    name: str
    transport: Transport
    gate: CircuitBreaker = field(default_factory=CircuitBreaker)


class FailoverRoute:
    """Several of them; the first that lets a mail in has it."""

    def __init__(self, stops: Sequence[TransportEntry]) -> None:
        self.stops = tuple(stops)

    def was_sent(self, tries: Sequence[MailDelivery]) -> bool | None:
        """What the transport of the last try knows of it."""
        if not tries or tries[-1].state not in (DeliveryState.OPEN, DeliveryState.UNKNOWN):
            return None
        last = tries[-1]
        stop = next((stop for stop in self.stops if stop.name == last.transport), None)
        known = stop.transport.was_sent(last.message_id) if stop else None
        # "Not sent" promises that a try still under way makes no second mail there. Elsewhere it would.
        return known if known or len(self.stops) == 1 else None

    def entered(self, tries: Sequence[MailDelivery]) -> "RouteAttempt":
        """The first stop that lets the mail in. Raises `Postponed` when none does."""
        way = RouteAttempt(self._allowed(tries))
        if way.next() is None:
            raise way.postponed()
        return way

    def _allowed(self, tries: Sequence[MailDelivery]) -> tuple[TransportEntry, ...]:
        """After an unknown outcome only the transport that may have the mail: another would make a second one."""
        doubtful = [one.transport for one in tries if one.state is DeliveryState.UNKNOWN]
        pinned = tuple(stop for stop in self.stops if stop.name in doubtful[-1:])
        return pinned or self.stops

    def trouble(self) -> list[Outage]:
        """The transports that are left alone for now."""
        return [one for stop in self.stops for one in stop.gate.trouble(stop.name)]

    def close(self) -> None:
        for stop in self.stops:
            stop.transport.close()


def away(closed: Sequence[Closed]) -> Postponed:
    """What a mail is told when all providers are away: what they said, and that it waits."""
    said = "; ".join(dict.fromkeys(one.why for one in closed if one.why)) or "outages"
    return Postponed(
        "mail_provider_away",
        f"The mail provider is away: {said}. The mail waits; one is tried from time to time.",
        delay=max(0.1, min(one.seconds for one in closed)),
    )


class RouteAttempt:
    """One mail's: `now` is the stop it is at, let in."""

    def __init__(self, stops: Sequence[TransportEntry]) -> None:
        self._left: Iterator[TransportEntry] = iter(stops)
        self._closed: list[Closed] = []
        self._all_failed = True
        self._now: TransportEntry | None = None

    @property
    def now(self) -> TransportEntry:
        if self._now is None:
            raise RuntimeError("no stop let the mail in")
        return self._now

    def failed(self, closed: Closed | None) -> None:
        """The stop `now` had an outage; `closed` is what the next mail meets there."""
        if closed is None:
            self._all_failed = False
        else:
            self._closed.append(closed)

    @property
    def away(self) -> tuple[Closed, ...]:
        """What the next mail meets, where the breakers of all stops are open; else nothing."""
        return tuple(self._closed) if self._all_failed and all(one.away for one in self._closed) else ()

    def next(self) -> TransportEntry | None:
        """The next stop that lets the mail in. A limit of mails is waited for: only an outage leads further."""
        for stop in self._left:
            closed = stop.gate.enter()
            if closed is None:
                self._now = stop
                return stop
            self._closed.append(closed)
            if not closed.away:
                break
        return None

    def postponed(self) -> Postponed:
        """What a mail is told that nobody let in."""
        if all(closed.away for closed in self._closed):
            return away(self._closed)
        seconds = max(0.1, min(closed.seconds for closed in self._closed))
        text = "The mail provider takes no more mails at the moment; this one waits."
        return Postponed("mail_rate_limited", text, delay=seconds)
