"""Acts at the nth line that a thread runs in certain files: a stop, or death."""

import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import Any


class Lines:
    """Counts the lines run in `modules`, and calls `act` once, before the `at`th."""

    def __init__(self, modules: Collection[ModuleType], at: int, act: Callable[[], None]) -> None:
        self._files = {module.__file__ for module in modules}
        self._at = at
        self._act = act
        self.run = 0
        self.place = ""  # where it acted

    @property
    def acted(self) -> bool:
        return self.run >= self._at

    @contextmanager
    def traced(self) -> Iterator[None]:
        """For the thread that runs the block."""
        before = sys.gettrace()
        sys.settrace(self._call)
        try:
            yield
        finally:
            sys.settrace(before)

    def _call(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        return self._line if frame.f_code.co_filename in self._files else None

    def _line(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            self.run += 1
            if self.run == self._at:
                self.place = f"{frame.f_code.co_name}, line {frame.f_lineno}"
                self._act()
        return self._line
