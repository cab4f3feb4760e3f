"""Tests that a statement is cancelled repeatedly until the block ends, and never after it."""

import threading

import pytest

from bureau.contracts.errors import PermanentError, Stopped
from bureau.services.reports.sources.cancellation import cancelling
from bureau.stop_token import StopReason, StopToken


def cancel_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "cancel-statement"]


def test_cancelling_is_repeated_until_the_block_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bureau.services.reports.sources.cancellation.RETRY_SECONDS", 0.001)
    stop, thrice = StopToken(), threading.Event()
    calls: list[int] = []

    def cancel() -> None:
        calls.append(1)
        if len(calls) == 3:
            thrice.set()

    def statement() -> None:
        stop.set(StopReason.CANCELLED)
        assert thrice.wait(5)
        raise RuntimeError("interrupted")

    with pytest.raises(Stopped), cancelling(stop, cancel):
        statement()
    assert not cancel_threads()


def test_without_a_stop_no_statement_is_cancelled_and_errors_pass_through() -> None:
    with pytest.raises(PermanentError), cancelling(StopToken(), lambda: pytest.fail("cancelled")):
        raise PermanentError("x", "y")


def test_a_token_that_was_set_before_the_block_starts_no_thread() -> None:
    stop = StopToken()
    stop.set(StopReason.SHUTDOWN)
    with pytest.raises(Stopped), cancelling(stop, lambda: None):
        pytest.fail("it began")
    assert not cancel_threads()
