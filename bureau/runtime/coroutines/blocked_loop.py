"""Watches the event loop: code that blocks it stops all tasks on it, so it is logged with its stack, and counted."""

import asyncio
import sys
import time
import traceback
from collections.abc import Callable

import structlog

from bureau.metrics.event_loop import BLOCKED, BLOCKED_SECONDS
from bureau.process.background_loop import Loop
from bureau.runtime.coroutines.event_loop import EventLoop

LOOK_SECONDS = 0.25
BLOCKED_AFTER_SECONDS = 1.0
DEAD_AFTER_SECONDS = 60.0
FRAMES = 15

log = structlog.get_logger(__name__)


class Turns:
    """Decides whether a loop is blocked, by when it was asked to turn and when it did. Pure, but for its clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked_at: float | None = None
        self._said = False

    def ask(self) -> bool:
        """Returns whether the loop is to be asked to turn: it has turned since it was asked last."""
        if self._asked_at is not None:
            return False
        self._asked_at, self._said = self._clock(), False
        return True

    def turned(self) -> float | None:
        """Notes a turn. Returns for how many seconds the loop was blocked, if that was said."""
        waited, said = self.waited, self._said
        self._asked_at = None
        return waited if said else None

    @property
    def waited(self) -> float:
        """Returns for how many seconds the loop has not turned."""
        asked_at = self._asked_at
        return 0.0 if asked_at is None else self._clock() - asked_at

    def is_news(self) -> bool:
        """Returns whether the loop is blocked and nobody has said so yet; then the caller says it."""
        if self._said or self.waited < BLOCKED_AFTER_SECONDS:
            return False
        self._said = True
        return True


class BlockedLoopWatch:
    """Asks the loop to turn a few times a second, from a thread of its own."""

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop
        self._turns = Turns()
        self._watch = Loop("event loop watch", self._look)
        self.start, self.stop = self._watch.start, self._watch.stop

    def unhealthy_reason(self) -> str | None:
        waited = self._turns.waited
        return f"it has not turned for {waited:.0f} s" if waited > DEAD_AFTER_SECONDS else None

    def _look(self) -> float:
        if self._turns.ask():
            self._loop.call(self._turned)
        elif self._turns.is_news():
            BLOCKED.inc()
            log.warning("the event loop is blocked", task=self._task(), stack=self._stack())
        return LOOK_SECONDS

    def _turned(self) -> None:
        blocked_seconds = self._turns.turned()
        if blocked_seconds is not None:
            BLOCKED_SECONDS.inc(blocked_seconds)
            log.warning("the event loop turns again", blocked_seconds=round(blocked_seconds, 1))

    def _task(self) -> str:
        """Returns the name of what runs on the loop: the execution's, also for tasks of the loop that it started."""
        task = asyncio.current_task(self._loop.running)
        return task.get_name() if task is not None else "no task: a callback"

    def _stack(self) -> str:
        frame = sys._current_frames().get(self._loop.thread_id or 0)
        return "".join(traceback.format_stack(frame, FRAMES)) if frame else ""
