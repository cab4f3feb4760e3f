"""Selects the transport for a mail, in the configured order, and the next one if a transport is away."""

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
    """Holds a transport with its circuit breaker, under the name that delivery rows give it."""

    name: str
    transport: Transport
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)


class FailoverRoute:
    """Routes mails over several transports; the first that lets a mail through gets it."""

    def __init__(self, stops: Sequence[TransportEntry]) -> None:
        self.stops = tuple(stops)

    def was_sent(self, tries: Sequence[MailDelivery]) -> bool | None:
        """Returns whether the transport of the last attempt knows the mail as sent."""
        if not tries or tries[-1].state not in (DeliveryState.OPEN, DeliveryState.UNKNOWN):
            return None
        last = tries[-1]
        stop = next((stop for stop in self.stops if stop.name == last.transport), None)
        known = stop.transport.was_sent(last.message_id) if stop else None
        # "Not sent" promises that an attempt still under way cannot send a second mail there. It could elsewhere.
        return known if known or len(self.stops) == 1 else None

    def entered(self, tries: Sequence[MailDelivery]) -> "RouteAttempt":
        """Returns an attempt at the first transport that lets the mail through. Raises `Postponed` if none does."""
        way = RouteAttempt(self._allowed(tries))
        if way.next() is None:
            raise way.postponed()
        return way

    def _allowed(self, tries: Sequence[MailDelivery]) -> tuple[TransportEntry, ...]:
        """Returns the transports that may get the mail.

        After an unknown outcome that is only the transport that may already have the mail, because another one would
        send it a second time.
        """
        doubtful = [one.transport for one in tries if one.state is DeliveryState.UNKNOWN]
        pinned = tuple(stop for stop in self.stops if stop.name in doubtful[-1:])
        return pinned or self.stops

    def trouble(self) -> list[Outage]:
        """Reports the transports whose breakers are open."""
        return [one for stop in self.stops for one in stop.breaker.trouble(stop.name)]

    def close(self) -> None:
        for stop in self.stops:
            stop.transport.close()


def away(closed: Sequence[Closed]) -> Postponed:
    """Returns the postponement for when all providers are away: their reasons, and that the mail waits."""
    reason = "; ".join(dict.fromkeys(one.why for one in closed if one.why)) or "outages"
    return Postponed(
        "mail_provider_away",
        f"The mail provider is unavailable: {reason}. This mail waits while single mails are tried from time to time.",
        delay=max(0.1, min(one.seconds for one in closed)),
    )


class RouteAttempt:
    """Moves one mail along the transports; `now` is the one that let it through."""

    def __init__(self, stops: Sequence[TransportEntry]) -> None:
        self._left: Iterator[TransportEntry] = iter(stops)
        self._closed: list[Closed] = []
        self._all_failed = True
        self._now: TransportEntry | None = None

    @property
    def now(self) -> TransportEntry:
        if self._now is None:
            raise RuntimeError("no transport accepted the mail")
        return self._now

    def failed(self, closed: Closed | None) -> None:
        """Records an outage of the transport `now`; `closed` is what the next mail meets there."""
        if closed is None:
            self._all_failed = False
        else:
            self._closed.append(closed)

    @property
    def away(self) -> tuple[Closed, ...]:
        """Returns what the next mail meets if the breakers of all transports are open; otherwise nothing."""
        return tuple(self._closed) if self._all_failed and all(one.away for one in self._closed) else ()

    def next(self) -> TransportEntry | None:
        """Returns the next transport that lets the mail through.

        Rate-limited mail waits; only an outage causes a failover.
        """
        for stop in self._left:
            closed = stop.breaker.enter()
            if closed is None:
                self._now = stop
                return stop
            self._closed.append(closed)
            if not closed.away:
                break
        return None

    def postponed(self) -> Postponed:
        """Returns the postponement of a mail that no transport let through."""
        if all(closed.away for closed in self._closed):
            return away(self._closed)
        seconds = max(0.1, min(closed.seconds for closed in self._closed))
        text = "The mail provider accepts no more mails at the moment; this one waits."
        return Postponed("mail_rate_limited", text, delay=seconds)
