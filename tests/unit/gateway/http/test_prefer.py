"""`Prefer: wait=N`."""

import threading
import time

import pytest

from bureau.services.gateway.http.prefer import wait_seconds, wait_until


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("wait=5", 5.0),
        ("respond-async, wait=10", 10.0),
        ("WAIT = 3", 3.0),
        ('wait="7"', 7.0),
        ("wait=0", 0.0),
        ("wait=3600", 30.0),
        ("wait=5; x=y", 5.0),
        (None, None),
        ("", None),
        ("wait", None),
        ("wait=-1", None),
        ("wait=soon", None),
        ("await=5", None),
    ],
)
def test_the_wait_is_read_and_cut_to_the_limit(header: str | None, seconds: float | None) -> None:
    assert wait_seconds(header, 30) == seconds


def test_the_wait_ends_as_soon_as_it_is_done() -> None:
    answers = iter([False, False, False, True])
    assert wait_until(lambda: next(answers), 30, threading.Event(), threading.Semaphore()) is True


def test_the_wait_ends_when_the_time_is_over() -> None:
    assert wait_until(lambda: False, 0.05, threading.Event(), threading.Semaphore()) is False
    assert wait_until(lambda: False, 0, threading.Event(), threading.Semaphore()) is False


def test_a_wait_ends_at_once_when_the_process_stops() -> None:
    stopping = threading.Event()
    stopping.set()
    began = time.monotonic()
    assert wait_until(lambda: False, 30, stopping, threading.Semaphore()) is False
    assert time.monotonic() - began < 5


def test_the_ledger_is_asked_often_at_first_and_four_times_a_second_later() -> None:
    class Recorded(threading.Event):
        """Does not wait; remembers how long it was to."""

        def __init__(self) -> None:
            super().__init__()
            self.pauses: list[float] = []

        def wait(self, timeout: float | None = None) -> bool:
            self.pauses.append(timeout or 0)
            return len(self.pauses) >= 12

    stopping = Recorded()
    wait_until(lambda: False, 30, stopping, threading.Semaphore())
    assert stopping.pauses[0] == pytest.approx(0.02)
    assert stopping.pauses == sorted(stopping.pauses)
    assert stopping.pauses[-1] == pytest.approx(0.25)


def test_with_all_slots_taken_the_answer_is_what_is_now() -> None:
    slots = threading.Semaphore(1)
    slots.acquire()
    began = time.monotonic()
    assert wait_until(lambda: False, 30, threading.Event(), slots) is False
    assert wait_until(lambda: True, 30, threading.Event(), slots) is True
    assert time.monotonic() - began < 5
