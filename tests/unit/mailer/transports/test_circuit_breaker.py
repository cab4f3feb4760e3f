"""The breaker and the rate limit before a transport."""

from datetime import UTC, datetime

import pytest

from bureau.process.outage_counter import ENOUGH
from bureau.services.mailer.transports.circuit_breaker import (
    OPEN_AT_MOST_SECONDS,
    OPEN_SECONDS,
    PROBE_SECONDS,
    CircuitBreaker,
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _opened(clock: Clock) -> CircuitBreaker:
    breaker = CircuitBreaker(clock=clock)
    for _ in range(ENOUGH):
        assert breaker.enter() is None
        breaker.outage("no route")
    return breaker


def test_a_few_outages_open_it_and_the_words_are_kept(clock: Clock) -> None:
    breaker = CircuitBreaker(clock=clock)
    said = [breaker.outage("no route") for _ in range(ENOUGH)]
    assert said[:-1] == [None] * (ENOUGH - 1)
    closed = breaker.enter()
    assert closed is not None
    assert (closed.away, closed.seconds, closed.why) == (True, OPEN_SECONDS, "no route")


def test_an_answer_between_outages_keeps_it_closed(clock: Clock) -> None:
    breaker = CircuitBreaker(clock=clock)
    for _ in range(3 * ENOUGH):
        assert breaker.enter() is None
        breaker.outage("no route")
        assert breaker.enter() is None
        breaker.served()


def test_one_probe_at_a_time_is_let_through_and_closes_it(clock: Clock) -> None:
    breaker = _opened(clock)
    clock.now += OPEN_SECONDS
    assert breaker.enter() is None  # the probe
    assert [breaker.enter() is None for _ in range(3)] == [False] * 3
    breaker.served()
    assert breaker.enter() is None


def test_a_probe_that_fails_keeps_it_open_for_longer(clock: Clock) -> None:
    breaker = _opened(clock)
    waits = []
    for _ in range(6):
        closed = breaker.enter()
        assert closed is not None
        waits.append(closed.seconds)
        clock.now += closed.seconds
        assert breaker.enter() is None
        breaker.outage("still away")
    assert waits == [5.0, 10.0, 20.0, 40.0, OPEN_AT_MOST_SECONDS, OPEN_AT_MOST_SECONDS]


def test_a_probe_that_learns_nothing_makes_room_for_another(clock: Clock) -> None:
    breaker = _opened(clock)
    clock.now += OPEN_SECONDS
    assert breaker.enter() is None
    breaker.left()
    assert breaker.enter() is None
    clock.now += PROBE_SECONDS  # and one whose thread never comes back blocks nobody for ever
    assert breaker.enter() is None


def test_a_time_that_the_provider_names_is_honoured_up_to_an_hour(clock: Clock) -> None:
    for named, waited in ((30.0, 30.0), (1e9, 3600.0)):
        breaker = CircuitBreaker(clock=clock)
        for _ in range(ENOUGH):
            breaker.outage("busy", named)
        closed = breaker.enter()
        assert closed is not None
        assert closed.seconds == waited


def test_a_rate_is_kept_with_a_burst_of_a_second(clock: Clock) -> None:
    breaker = CircuitBreaker(5.0, clock=clock)
    entered = 0
    for _ in range(100):
        clock.now += 0.1
        while breaker.enter() is None:
            breaker.served()
            entered += 1
    assert 50 <= entered <= 56
    closed = breaker.enter()
    assert closed is not None
    assert not closed.away
    assert 0 < closed.seconds <= 0.2


def test_a_provider_whose_limit_is_used_up_gets_nothing_until_it_is_full(clock: Clock) -> None:
    breaker = CircuitBreaker(clock=clock)
    breaker.served(pause_seconds=12.0)
    closed = breaker.enter()
    assert closed is not None
    assert (closed.away, closed.seconds) == (False, 12.0)
    clock.now += 12.0
    assert breaker.enter() is None


def test_an_open_breaker_is_the_transport_s_trouble_until_it_serves_again(clock: Clock) -> None:
    began = datetime.now(UTC)
    breaker = _opened(clock)
    (said,) = breaker.trouble("smtp")
    assert (said.name, said.how, said.why) == ("smtp", "open circuit", "no route")
    assert began <= said.since <= datetime.now(UTC)
    clock.now += OPEN_SECONDS
    breaker.enter()
    breaker.outage("no route at all")
    assert breaker.trouble("smtp") == [
        said.model_copy(update={"why": "no route at all"})
    ]  # since then, not since the probe
    clock.now += 2 * OPEN_SECONDS
    breaker.enter()
    breaker.served()
    assert breaker.trouble("smtp") == []
