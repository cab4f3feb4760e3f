"""Writes an exception into a failure's message, and makes an exception from one again. The functions are pure."""

import re
import sys
from collections.abc import Mapping
from typing import Any

from bureau.celery.exceptions import TaskError, TaskRevokedError, TimeLimitExceeded, WorkerLostError

FAILED = "celery_task_failed"  # the codes of Bureau's errors that the layer raises
RETRY = "celery_retry"
NOT_YET = "celery_countdown"
REJECTED = "celery_rejected"
_TOLD = re.compile(r"(?P<path>[A-Za-z_][\w.]*)(?:: (?P<text>.*))?", re.DOTALL)
_OF_CODES: Mapping[str, type[Exception]] = {
    "time_limit": TimeLimitExceeded,
    "worker_crashed": WorkerLostError,
    "cancelled": TaskRevokedError,
    "expired": TaskRevokedError,
}
_RAISED = frozenset({FAILED, RETRY})


def message_of(error: BaseException) -> str:
    """Returns the class and the words of an exception, as `exception_of` reads them."""
    kind = type(error)
    text = str(error)
    return f"{kind.__module__}.{kind.__qualname__}" + (f": {text}" if text else "")


def exception_of(error: Mapping[str, Any] | None) -> Exception:
    """Returns the exception of an error of Bureau's.

    It has the class that the task raised if this process has imported it, else one of the same name, as in Celery.
    """
    if error is None:
        return TaskError("It failed without an error.")
    code, message = error["code"], error["message"]
    if code in _OF_CODES:
        return _OF_CODES[code](message)
    told = _TOLD.fullmatch(message) if code in _RAISED else None
    if told is None:
        return TaskError(f"{code}: {message}")
    return _made(told["path"], told["text"] or "")


def _made(path: str, text: str) -> Exception:
    kind = _imported(path)
    if kind is not None:
        try:
            made: Exception = kind(text) if text else kind()
            return made
        except Exception:  # noqa: S110, BLE001 - its constructor wants more than a text
            pass
    module, _, name = path.rpartition(".")
    return type(name, (Exception,), {"__module__": module})(text)


def _imported(path: str) -> type[Exception] | None:
    """Returns the class of this path, of a module that is imported; nothing is imported for the sake of a message."""
    parts = path.split(".")
    for end in range(len(parts) - 1, 0, -1):
        found: Any = sys.modules.get(".".join(parts[:end]))
        if found is None:
            continue
        for name in parts[end:]:
            found = getattr(found, name, None)
        return found if isinstance(found, type) and issubclass(found, Exception) else None
    return None
