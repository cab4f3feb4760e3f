"""Tests the alarm of a task: an exception of its author's, raised once in its thread and nowhere else."""

import threading
import time

from bureau.runtime.execution.alarm import Alarm
from bureau.runtime.execution.interrupt import Interrupt
from bureau.stop_token import StopToken
from tests.support.waiting import until


class Late(Exception):
    """An author's exception."""


def spin(seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        sum(range(100))


def sent_until(interrupt: Interrupt, thread: threading.Thread) -> bool:
    interrupt.send_if_due()
    return not thread.is_alive()


def test_it_is_raised_in_the_function_which_may_catch_it_and_go_on() -> None:
    interrupt, told = Interrupt(StopToken()), list[str]()

    def work() -> str:
        try:
            spin()
        except Late:
            told.append("cleaned up")
        return "done"

    interrupt.set_alarm(Alarm(0.0, Late))
    thread = threading.Thread(target=lambda: told.append(interrupt.call(work)))
    thread.start()
    until(lambda: sent_until(interrupt, thread), 30, "the end")
    assert told == ["cleaned up", "done"]
    assert not interrupt.sent  # the task was not stopped: its result counts


def test_one_that_was_taken_back_comes_again_and_only_once() -> None:
    interrupt, told = Interrupt(StopToken()), list[str]()
    held, go_on = threading.Event(), threading.Event()

    def work() -> None:
        try:
            with interrupt.held_off():
                held.set()
                go_on.wait(30)
            spin()
        except Late:
            told.append("late")
        spin(0.2)

    interrupt.set_alarm(Alarm(0.0, Late))
    thread = threading.Thread(target=lambda: interrupt.call(work))
    thread.start()
    assert held.wait(30)
    interrupt.send_if_due()  # while the process holds its own locks
    go_on.set()
    until(lambda: sent_until(interrupt, thread), 30, "the end")
    assert told == ["late"]


def test_a_function_that_ends_in_time_hears_nothing() -> None:
    interrupt = Interrupt(StopToken())
    interrupt.set_alarm(Alarm(3600.0, Late))
    interrupt.call(interrupt.send_if_due)


def test_its_class_has_the_name_of_the_author_s() -> None:
    alarm = Alarm(0.0, Late)
    kind = alarm.error.value
    assert (kind.__module__, kind.__qualname__) == (Late.__module__, Late.__qualname__)
    assert isinstance(kind(), Late)
    assert alarm.raised
