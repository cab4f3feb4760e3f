"""Holds an exception of a task's author that is raised in the task once it has run for some time.

CPython makes the exception's instance when a handler first sees it. So its constructor tells that it was raised, and
not taken back before: one that was taken back is sent again.
"""

import ctypes
import time

AGAIN_AFTER_SECONDS = 1.0


class Alarm:
    """Is due from `seconds` after its making until it was raised."""

    def __init__(self, seconds: float, error: type[Exception]) -> None:
        self.raised = False
        self._at = time.monotonic() + seconds
        self._sent_at: float | None = None
        self.error = ctypes.py_object(self._telling(error))

    @property
    def pending(self) -> bool:
        """Returns whether it may be set for the thread and not raised yet."""
        return self._sent_at is not None and not self.raised

    def is_due(self) -> bool:
        now = time.monotonic()
        again = self._sent_at is None or now >= self._sent_at + AGAIN_AFTER_SECONDS
        return not self.raised and now >= self._at and again

    def sent(self) -> None:
        """Notes that it is about to be set for the thread."""
        self._sent_at = time.monotonic()

    def _telling(self, error: type[Exception]) -> type[Exception]:
        def __init__(raised: Exception, *args: object) -> None:  # noqa: N807 - of the class below
            self.raised = True
            Exception.__init__(raised, *args)

        names = {"__init__": __init__, "__module__": error.__module__, "__qualname__": error.__qualname__}
        return type(error.__name__, (error,), names)
