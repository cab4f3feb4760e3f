"""Gives the current app and the current task under names that can be imported before there is one."""

from typing import Any

from bureau.celery import state
from bureau.celery.app.base import Celery


class CurrentApp:
    """Stands for the app that the process made last; for one with the defaults if it made none."""

    def __getattr__(self, name: str) -> Any:
        return getattr(app_or_default(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(app_or_default(), name, value)

    def __repr__(self) -> str:
        return repr(app_or_default())


class CurrentTask:
    """Stands for the task that runs; it is false, and equals None, while none does."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_task(), name)

    def __bool__(self) -> bool:
        return _task() is not None

    def __eq__(self, other: object) -> bool:
        return bool(_task() == other)

    def __hash__(self) -> int:
        return hash(_task())

    def __repr__(self) -> str:
        return repr(_task())


def app_or_default(app: Any = None) -> Any:
    """Returns an app: the given one, else the current one."""
    return app or (state.APPS[-1] if state.APPS else Celery("default"))


def _task() -> Any:
    found = state.CURRENT.get()
    return found[0] if found else None


current_app = CurrentApp()
current_task = CurrentTask()
