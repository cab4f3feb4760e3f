"""The watchdog: one thread calls what is due, unless it was called off."""

import threading

from bureau.services.mailer.transports.watchdog import Watchdog


def test_alarms_are_called_in_the_order_of_their_times() -> None:
    said: list[str] = []
    done = threading.Event()
    watchdog = Watchdog()
    watchdog.after(0.2, done.set)
    watchdog.after(0.1, lambda: said.append("second"))
    watchdog.after(0.0, lambda: said.append("first"))
    assert done.wait(5)
    assert said == ["first", "second"]


def test_a_cancelled_alarm_is_neither_called_nor_kept() -> None:
    watchdog = Watchdog()
    said: list[int] = []
    for number in range(100):
        watchdog.after(0.05, lambda number=number: said.append(number)).call_off()  # type: ignore[misc]
    done = threading.Event()
    watchdog.after(0.1, done.set)
    assert len(watchdog._alarms) <= 2
    assert done.wait(5)
    assert said == []


def fail() -> None:
    raise ValueError("an alarm")


def test_an_alarm_that_fails_stops_no_other() -> None:
    done = threading.Event()
    watchdog = Watchdog()
    watchdog.after(0.0, fail)
    watchdog.after(0.05, done.set)
    assert done.wait(5)
