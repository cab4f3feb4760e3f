"""Buffers the events of an execution until they are written: its start, log lines, progress.

The task's threads add events. The reporter writes the buffer twice a second, and the finish writes the rest: so a
task's start costs no transaction of its own, and each event is written once and in order.
"""

import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bureau.contracts.base import clean, clean_text
from bureau.contracts.errors import PermanentError
from bureau.formatting import count
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.reads.job_views import with_percent
from bureau.runtime.execution.throttle import Throttle
from bureau.secrets.redaction import hide_secrets

FIRST_LINES = 20  # pass at once: a short task says all that it has to say within a second
LINES_A_SECOND = 5  # after them
LINE_LENGTH = 1000
LINES_HELD = 1000  # while the ledger is away; further lines are left out
NOTE_LENGTH = 200
META_BYTES = 4096
PROGRESSED = "task.progressed"

Progress = dict[str, Any]
"""The last report as the ledger has it: `current`, `total`, `note`, and `meta` where the task gave one.

A task that gave `meta` alone has `reported` false beside a `current` of 0, which versions before 0.2.0 show.
"""
NOTHING_REPORTED: Progress = {"current": 0, "total": None, "note": None, "reported": False}


@dataclass(frozen=True)
class Unwritten:
    """Holds what is to be written: events, and the last report if it changed since the last write."""

    events: list[TaskEvent]
    progress: Progress | None


class EventBuffer:
    """Buffers events; `task` is the task's name, `attempt` the number of its claim."""

    def __init__(
        self,
        task: str,
        attempt: int,
        worker: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        first_lines: int = FIRST_LINES,
    ) -> None:
        self.last_progress: Progress | None = None
        self._task = task
        self._clock = clock
        self._lock = threading.Lock()
        self._writing = threading.Lock()  # held during a write: the next write waits
        self._first_lines = first_lines  # that may still pass
        self._throttle = Throttle(LINES_A_SECOND)
        self._left_out = 0
        self._events = [TaskEvent("task.started", task, {"attempt": attempt, "worker": worker}, clock())]
        self._written_progress: Progress | None = None  # the last progress that became an event

    def line(self, text: str) -> None:
        """Adds a line: the first twenty, then at most five a second.

        Others are counted, and the count is added as soon as a line may pass.
        """
        now = self._clock()
        with self._lock:
            self._add_left_out(now)
            if self._left_out or not self._may_pass(now):
                self._left_out += 1
            else:
                self._events.append(self._line(clean_text(text)[:LINE_LENGTH], now))

    def progress(self, current: float, total: float | None, note: str | None) -> None:
        """Keeps the last report. Drops a total, or the whole report, whose number JSON cannot hold."""
        done = _finite(current)
        if done is not None:
            short = clean_text(note)[:NOTE_LENGTH] if note else None
            with self._lock:
                kept = {name: value for name, value in (self.last_progress or {}).items() if name == "meta"}
                self.last_progress = {"current": done, "total": _finite(total), "note": short, **kept}

    def meta(self, value: dict[str, Any]) -> None:
        """Keeps the object beside the last report. Raises `PermanentError` for one that is too large or not JSON."""
        kept = hide_secrets(checked_meta(value))
        with self._lock:
            self.last_progress = {**(self.last_progress or NOTHING_REPORTED), "meta": kept}

    @property
    def has_news(self) -> bool:
        """Returns whether there are events not written yet."""
        return bool(self._events or self._left_out) or self.last_progress != self._written_progress

    @contextmanager
    def writing(self) -> Iterator[Unwritten]:
        """Gives the block what is to be written; if the block raises, it comes first next time."""
        with self._writing:
            written_before = self._written_progress
            with self._lock:
                self._add_left_out(self._clock())
                taken = self._take()
                changed = self._written_progress is not written_before
                unwritten = Unwritten(taken, self._written_progress if changed else None)
            try:
                yield unwritten
            except BaseException:
                with self._lock:
                    self._events[:0] = [event for event in taken if event.type != PROGRESSED]
                    self._written_progress = written_before  # only the last progress is written
                raise

    def rest(self) -> list[TaskEvent]:
        """Returns all unwritten events. Waits for a running write, so that they stay in order."""
        with self._writing, self._lock:
            if self._left_out:
                self._events.append(self._left_out_line(self._clock()))
            return self._take()

    def _take(self) -> list[TaskEvent]:
        taken, self._events = self._events, []
        last = self.last_progress
        if last is not None and last != self._written_progress:
            numbers = with_percent(last)
            if numbers is not None and numbers != with_percent(self._written_progress):
                taken.append(TaskEvent(PROGRESSED, self._task, numbers, self._clock()))
            self._written_progress = last
        return taken

    def _may_pass(self, now: float) -> bool:
        if len(self._events) >= LINES_HELD:
            return False
        if self._first_lines:
            self._first_lines -= 1
            return True
        return self._throttle.passes(now)

    def _add_left_out(self, now: float) -> None:
        if self._left_out and self._may_pass(now):
            self._events.append(self._left_out_line(now))

    def _left_out_line(self, now: float) -> TaskEvent:
        lines, self._left_out = self._left_out, 0
        return self._line(f"… {count(lines, 'log line')} left out", now)

    def _line(self, text: str, now: float) -> TaskEvent:
        return TaskEvent("task.logged", self._task, {"line": text}, now)


def _finite(number: float | None) -> float | None:
    """Returns the number, or None if JSON has no such number.

    Infinity and NaN would make everything invalid that is written together with them.
    """
    if number is None or not math.isfinite(number):
        return None
    return number if isinstance(number, int) else float(number)


def checked_meta(value: Any) -> dict[str, Any]:
    """Returns a copy, which the task cannot change any more."""
    if not isinstance(value, dict):
        raise PermanentError("invalid_meta", f"A task's meta is a dict, not {type(value).__name__}.")
    try:
        text = json.dumps(clean(value), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise PermanentError("invalid_meta", f"A task's meta is JSON: {error}.") from error
    size = len(text.encode())
    if size > META_BYTES:
        sizes = f"at most {META_BYTES:,} bytes of JSON; this has {size:,}"
        raise PermanentError("invalid_meta", f"A task's meta has {sizes}.")
    kept: dict[str, Any] = json.loads(text)
    return kept
