"""Interrupts a task that does not look at its context: raises `Interrupted` in its thread, between two bytecodes.

Code from elsewhere never calls `ctx`. When it is cancelled or over its time limit, only the end of the whole process
would stop it, and with it the tasks of all other threads. What is blocked in C (a query, `time.sleep`) is reached only
when the call returns.

The exception may land in the task's function and nowhere else: not in the finish, not in the next task of this thread,
not while this process's own locks are held. Three rules see to that.

* The number of the thread to interrupt stands in a `c_ulong`, which is 0 while interrupts are held off. CPython reads
  it within the one call that sets the exception, under the interpreter's lock: so nothing comes between the look and
  the act, and no lock is needed that an interrupt could leave locked.
* Interrupts are held off by storing 0, and then an exception that is set but not raised yet is taken back. Between the
  two no bytecode looks for exceptions: CPython does so only at calls, backward jumps and the start of functions.
  It is taken back by raising it where it is caught at once. To set none in its place would leave CPython's flag for
  it set for good: each call in the process would look for it, and under a tracer Python 3.11 would do nothing else.
* A thread is left alone while it imports a module or writes a log record, because the locks of both belong to all
  threads of the process.
"""

import ctypes
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from bureau.contracts.errors import Stopped
from bureau.runtime.execution.alarm import Alarm
from bureau.stop_token import StopToken

FIRST_AFTER_SECONDS = 0.5  # a task that looks at its context ends by itself before
AGAIN_AFTER_SECONDS = 5.0  # what it may take to clean up after it was told
_LOOKS = 1000  # a backward jump each; CPython raises at the first
_SHARED_LOCKS = frozenset({"importlib._bootstrap", "logging"})

T = TypeVar("T")

_set_exception: Any = ctypes.pythonapi.PyThreadState_SetAsyncExc


class Interrupted(Stopped):
    """Is raised between two bytecodes of a task that was asked to stop and did not look."""

    def __init__(self) -> None:
        super().__init__("interrupted")


_INTERRUPTED = ctypes.py_object(Interrupted)


class Interrupt:
    """Interrupts one execution's function once its stop token was set: `call` runs it, `send_if_due` interrupts it."""

    def __init__(self, stop: StopToken) -> None:
        self._stop = stop
        self._owner = 0  # the thread of the call, while there is one
        self._target = ctypes.c_ulong(0)  # the same while it may be interrupted, otherwise 0
        self._sent_at: float | None = None
        self._alarm: Alarm | None = None

    @property
    def sent(self) -> bool:
        """Returns whether the function was interrupted; then its result is not what it would have been."""
        return self._sent_at is not None

    def call(self, function: Callable[[], T]) -> T:
        """Calls the function so that it can be interrupted. Afterwards no interrupt comes, and none is left over."""
        target, mine = self._target, ctypes.c_ulong(threading.get_ident())
        self._owner = mine.value
        try:
            target.value = mine.value
            result = function()
            target.value = 0
            self.take_back(mine)
        except BaseException:
            target.value = 0
            self.take_back(mine)
            raise
        finally:
            # A block of this call that is left open ends only when it is collected: it shall not arm the next call.
            self._owner, self._target = 0, ctypes.c_ulong(0)
        return result

    def set_alarm(self, alarm: Alarm) -> None:
        """Has an exception of the author's raised in the function when it is due. A second one replaces the first."""
        self._alarm = alarm

    def send_if_due(self) -> None:
        """Interrupts the function if it was asked to stop and has had the time to do so. Called by another thread."""
        if self._stop.set_at is None:
            self._send_alarm_if_due()
            return
        if self._target.value and time.monotonic() >= self._due_at() and not _holds_shared_lock(self._target.value):
            before, self._sent_at = self._sent_at, time.monotonic()
            if not _set_exception(self._target, _INTERRUPTED):
                self._sent_at = before  # it has just ended, or is in this process's own code

    def _send_alarm_if_due(self) -> None:
        alarm = self._alarm
        if alarm and self._target.value and alarm.is_due() and not _holds_shared_lock(self._target.value):
            alarm.sent()
            _set_exception(self._target, alarm.error)

    def _due_at(self) -> float:
        if self._stop.set_at is None:
            return float("inf")
        told_at = self._sent_at if self._sent_at is not None else self._stop.heard_at
        return self._stop.set_at + FIRST_AFTER_SECONDS if told_at is None else told_at + AGAIN_AFTER_SECONDS

    def take_back(self, mine: ctypes.c_ulong) -> None:
        """Ends an exception that is set for this thread and not raised yet. The caller holds interrupts off.

        What was never sent is not pending: the sender notes that it sends before it looks at the target.
        """
        if self._sent_at is None and not (self._alarm and self._alarm.pending):
            return
        try:
            _set_exception(mine, _INTERRUPTED)
            for _ in range(_LOOKS):
                pass
        except Interrupted:
            return
        _set_exception(mine, None)

    def held_off(self) -> "HeldOff":
        """Holds interrupts off during a block, if it runs in the function's thread: for code that has locks."""
        return HeldOff(self, self._target, self._owner)

    def let_in(self) -> "LetIn":
        """Allows interrupts during a block inside `held_off`, in which the task's own code runs."""
        return LetIn(self, self._target, self._owner)


class HeldOff:
    """Restores at its end what was before, so that blocks may be nested."""

    def __init__(self, interrupt: Interrupt, target: ctypes.c_ulong, owner: int) -> None:
        self._interrupt = interrupt
        self._target = target
        self._mine = ctypes.c_ulong(owner)
        self._before = 0

    @property
    def _concerned(self) -> bool:
        return self._mine.value == threading.get_ident()

    def __enter__(self) -> None:
        if self._concerned:
            self._before = self._target.value
            self._target.value = 0
            self._interrupt.take_back(self._mine)

    def __exit__(self, *_: object) -> None:
        if self._concerned:
            self._target.value = self._before


class LetIn(HeldOff):
    """Does the opposite of `HeldOff`."""

    def __enter__(self) -> None:
        if self._concerned:
            self._target.value = self._mine.value

    def __exit__(self, *_: object) -> None:
        if self._concerned:
            self._target.value = 0
            self._interrupt.take_back(self._mine)


_CALL = Interrupt.call.__code__


def _holds_shared_lock(thread: int) -> bool:
    """Returns whether the task's thread is in code that holds a lock which all threads of the process need."""
    frame: Any = sys._current_frames().get(thread)
    if frame is not None and frame.f_globals.get("__name__") == "threading" and frame.f_code.co_name == "__enter__":
        return True  # of a condition: it has its lock, and the block that gives it back is not entered yet
    while frame is not None and frame.f_code is not _CALL:
        if frame.f_globals.get("__name__") in _SHARED_LOCKS:
            return True
        frame = frame.f_back
    return False
