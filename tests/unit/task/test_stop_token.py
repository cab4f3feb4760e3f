"""Tests the stop token: it is set once, and its callbacks run once each, in their block and never after it."""

import contextlib
import threading
import time

import pytest

from bureau.contracts.errors import Stopped
from bureau.stop_token import StopReason, StopToken
from tests.support.together import together


class Interrupted(Exception):
    """What the interrupted call raises."""


def test_a_token_that_is_not_set_stops_nothing() -> None:
    token = StopToken()
    token.check()
    token.wait(0)
    assert (token.reason, token.set_at) == (None, None)


def test_a_token_that_is_set_stops_at_the_next_check() -> None:
    token = StopToken()
    token.set(StopReason.CANCELLED)
    with pytest.raises(Stopped) as stopped:
        token.check()
    assert stopped.value.reason is StopReason.CANCELLED
    assert token.set_at is not None
    assert token.set_at <= time.monotonic()


def test_the_first_reason_stays() -> None:
    token = StopToken()
    token.set(StopReason.TIME_LIMIT)
    first = token.set_at
    token.set(StopReason.SHUTDOWN)
    assert (token.reason, token.set_at) == (StopReason.TIME_LIMIT, first)


def test_stopped_passes_through_except_exception() -> None:
    token = StopToken()
    token.set(StopReason.CANCELLED)

    def careless() -> None:
        with contextlib.suppress(Exception):  # as a task might
            token.check()

    with pytest.raises(Stopped):
        careless()


def test_a_wait_ends_when_the_token_is_set() -> None:
    token = StopToken()
    threading.Timer(0.05, token.set, [StopReason.SHUTDOWN]).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        token.wait(60)
    assert time.monotonic() - began < 10


def test_the_first_of_many_concurrent_reasons_stays() -> None:
    for _ in range(50):
        token = StopToken()
        called: list[int] = []
        reasons = list(StopReason)
        with token.interrupting(lambda: called.append(1)):  # noqa: B023 - called at once
            together(4, lambda number: token.set(reasons[number]))  # noqa: B023
        assert called == [1]
        assert token.reason in reasons


def test_setting_the_token_calls_every_callback() -> None:
    token = StopToken()
    called: list[str] = []
    with token.interrupting(lambda: called.append("outer")), token.interrupting(lambda: called.append("inner")):
        token.set(StopReason.CANCELLED)
    assert sorted(called) == ["inner", "outer"]


def test_a_block_that_begins_after_the_token_is_set_calls_back_at_once_and_does_not_run() -> None:
    token = StopToken()
    token.set(StopReason.CANCELLED)
    called: list[str] = []

    def begin() -> None:
        with token.interrupting(lambda: called.append("back")):
            called.append("block")

    with pytest.raises(Stopped):
        begin()
    assert called == ["back"]


def test_a_callback_is_not_called_after_its_block() -> None:
    token = StopToken()
    called: list[int] = []
    with token.interrupting(lambda: called.append(1)):
        pass
    token.set(StopReason.CANCELLED)
    assert called == []


def test_a_block_that_ends_while_the_token_is_being_set_waits_for_its_callback() -> None:
    """Its connection goes back to a pool: a callback that came after would cancel somebody else's statement."""
    token = StopToken()
    first_is_running, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def slow() -> None:
        first_is_running.set()
        go_on.wait(10)

    def end_a_block() -> None:
        with token.interrupting(lambda: order.append("callback")):
            first_is_set.set()
            first_is_running.wait(10)
        order.append("block ended")

    first_is_set = threading.Event()
    with token.interrupting(slow):
        block = threading.Thread(target=end_a_block)
        block.start()
        first_is_set.wait(10)
        setter = threading.Thread(target=token.set, args=[StopReason.CANCELLED])
        setter.start()
        block.join(0.2)  # it would have ended by now, were it not waiting
        go_on.set()
        for thread in (setter, block):
            thread.join(10)
    assert order[-1] == "block ended"


def test_an_error_caused_by_the_interruption_is_raised_as_stopped() -> None:
    token = StopToken()

    def blocking() -> None:
        with token.interrupting(lambda: None):
            token.set(StopReason.TIME_LIMIT)
            raise Interrupted

    with pytest.raises(Stopped) as stopped:
        blocking()
    assert stopped.value.reason is StopReason.TIME_LIMIT


def test_other_errors_of_the_block_are_raised_unchanged() -> None:
    token = StopToken()

    def failing() -> None:
        with token.interrupting(lambda: None):
            raise Interrupted

    with pytest.raises(Interrupted):
        failing()


def test_a_result_in_spite_of_the_interruption_is_kept() -> None:
    token = StopToken()
    with token.interrupting(lambda: None):
        token.set(StopReason.CANCELLED)
        result = 42
    assert result == 42


def test_a_callback_may_read_the_token() -> None:
    token = StopToken()
    seen: list[StopReason | None] = []
    with token.interrupting(lambda: seen.append(token.reason)):
        token.set(StopReason.SHUTDOWN)
    assert seen == [StopReason.SHUTDOWN]


def test_a_callback_that_raises_does_not_prevent_the_others() -> None:
    token = StopToken()
    called: list[int] = []

    def broken() -> None:
        raise Interrupted

    with token.interrupting(broken), token.interrupting(lambda: called.append(1)):
        token.set(StopReason.CANCELLED)
    assert called == [1]
