"""A process that is not alive any more leaves once: what runs in it keeps the grace to be handed back."""

import os
import signal
from collections.abc import Iterator

import pytest

from bureau.runtime import health
from bureau.runtime.health import HealthChecks
from tests.support.waiting import until


@pytest.fixture
def asked_to_stop() -> Iterator[list[int]]:
    """The SIGTERMs that reach this process."""
    signals: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: signals.append(number))
    yield signals
    signal.signal(signal.SIGTERM, before)


def test_it_asks_itself_to_stop_once_however_long_that_takes(
    monkeypatch: pytest.MonkeyPatch, asked_to_stop: list[int]
) -> None:
    monkeypatch.setattr(health, "LOOK_SECONDS", 0.01)
    looks: list[int] = []

    def dead() -> str:
        looks.append(os.getpid())
        return "it hangs"

    watched = HealthChecks({"consumer": dead}, "")
    watched.start()
    until(lambda: asked_to_stop, 10, "the first SIGTERM")
    turned = watched._watch._last_step_at
    until(lambda: watched._watch._last_step_at > turned + 0.1, 10, "it has looked again")
    watched.stop()
    assert asked_to_stop == [signal.SIGTERM]
    assert watched.unhealthy_reason() == {"consumer": "it hangs"}
