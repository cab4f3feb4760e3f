"""Puts whatever a task raised into plain words: an error of an exact type, with a code, a message and a traceback.

A task may raise anything: an exception whose `__str__` raises, one whose `__class__` lies, a subclass of `TaskError`
that sets `code` to a list. Nothing of that may keep the end of the task from being written, so everything of the
exception is read here, under a guard, and nobody reads it afterwards.
"""

import math
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Any

from bureau.contracts.base import clean_text
from bureau.contracts.errors import (
    MAX_DETAILS,
    MESSAGE_CHARACTERS,
    ErrorDetail,
    PermanentError,
    Postponed,
    Stopped,
    TaskError,
    TransientError,
    is_code,
)
from bureau.secrets.redaction import scrub_cut, scrub_middle_out

UNEXPECTED = "unexpected_error"
UNEXPECTED_CHARACTERS = 500
DETAIL_CHARACTERS = 500
TRACEBACK_CHARACTERS = 8000
ERRORS_LOOKED_AT = 1000
_FIRST = (Stopped, PermanentError, Postponed, TransientError)  # of the errors in a group
TRACEBACK_FRAMES = 60  # a recursion has a thousand; the ends of it tell enough


@dataclass(frozen=True)
class RaisedError:
    """Holds a plain error, and the traceback where it says more than the error. Both are bounded, without secrets."""

    error: TaskError
    traceback: str | None = None

    @property
    def unexpected(self) -> bool:
        return self.error.code == UNEXPECTED


def leading(raised: BaseException) -> BaseException:
    """Returns the error that decides what happens: of a group, as a TaskGroup raises it, the one that weighs most."""
    errors = list(islice(_flat(raised), ERRORS_LOOKED_AT))
    return next((error for kind in _FIRST for error in errors if issubclass(type(error), kind)), errors[0])


def _flat(raised: BaseException) -> Iterator[BaseException]:
    waiting = [raised]
    while waiting:
        error = waiting.pop()
        if issubclass(type(error), BaseExceptionGroup):
            inside: Any = BaseExceptionGroup.__dict__["exceptions"]  # what the group has, whatever its class says
            waiting.extend(reversed(inside.__get__(error)))
        else:
            yield error


def plain_error(raised: BaseException, run: str, *, whole: BaseException | None = None) -> RaisedError:
    """Returns what the task `run` raised as a plain error. Never raises. `whole` is the group that it came in.

    An unexpected error has a traceback, and so has a typed one that was raised because of another error: without that
    its message says what happened.
    """
    kind = type(raised)
    try:
        if issubclass(kind, TaskError):
            error = _typed(raised, kind, run)
        else:
            error = TransientError(UNEXPECTED, _unexpected_words(raised, run))
    except BaseException:  # noqa: BLE001 - whatever the exception's own code raises
        error = TransientError(UNEXPECTED, f"{run} raised an error that cannot be put into words.")
    return RaisedError(error, _traceback(whole or raised, expected=error.code != UNEXPECTED))


def _typed(raised: Any, kind: type[TaskError], run: str) -> TaskError:
    """Returns an exact `TaskError`. A subclass or an assignment may have made anything of its fields."""
    code = _field(raised, "code")
    if not is_code(code):
        code = UNEXPECTED
    message = _field(raised, "message")
    if isinstance(message, str):
        message = scrub_cut(str.__str__(message), MESSAGE_CHARACTERS)
    else:
        message = _unexpected_words(raised, run)
    if issubclass(kind, PermanentError):
        return PermanentError(code, message, details=_details(raised))
    if issubclass(kind, Postponed):
        return Postponed(code, message, delay=raised.delay)
    return TransientError(code, message, retry_after=_field(raised, "retry_after"))


def _field(raised: Any, name: str) -> Any:
    try:
        return getattr(raised, name)
    except BaseException:  # noqa: BLE001 - a property may raise anything
        return None


def _details(raised: Any) -> list[ErrorDetail]:
    """Returns the error's details, without secrets and bounded: they may come from outside."""
    details = _field(raised, "details")
    return [_detail(*detail) for detail in details[:MAX_DETAILS]] if isinstance(details, list | tuple) else []


def _detail(message: Any, file: Any = None, line: Any = None, column: Any = None) -> ErrorDetail:
    return ErrorDetail(
        scrub_cut(str(message), DETAIL_CHARACTERS),
        None if file is None else scrub_cut(str(file), DETAIL_CHARACTERS),
        int(line) if isinstance(line, int | float) and math.isfinite(line) and abs(line) < 2**53 else None,
        None if column is None else scrub_cut(str(column), DETAIL_CHARACTERS),
    )


def _unexpected_words(raised: BaseException, run: str) -> str:
    """Returns the exception's class, and its words if it has any."""
    told = f"{run} raised {_name(type(raised))}"
    try:
        words = scrub_cut(str(raised), UNEXPECTED_CHARACTERS).strip()
    except BaseException:  # noqa: BLE001 - whatever `__str__` raises
        return f"{told}, which cannot be put into words."
    return f"{told}: {words}" if words else told


def _name(kind: type) -> str:
    """Returns the name of a class as the interpreter knows it; a metaclass may say otherwise, or raise."""
    return str(type.__dict__["__name__"].__get__(kind))[:100]


def _traceback(raised: BaseException, *, expected: bool) -> str | None:
    try:
        if expected and raised.__cause__ is None and (raised.__context__ is None or raised.__suppress_context__):
            return None
        told = traceback.TracebackException(
            type(raised), raised, _from_the_task(raised.__traceback__), limit=-TRACEBACK_FRAMES, compact=True
        )
        return clean_text(scrub_middle_out("".join(told.format()), TRACEBACK_CHARACTERS).rstrip())
    except BaseException:  # noqa: BLE001 - whatever the exception's own code raises
        return None


def _from_the_task(found: TracebackType | None) -> TracebackType | None:
    """Returns the traceback without its first frames, which are those of this process and not of the task."""
    while found is not None and found.tb_next and _is_inside(str(found.tb_frame.f_globals.get("__name__"))):
        found = found.tb_next
    return found


def _is_inside(module: str) -> bool:
    return module == "bureau.task" or module.startswith("bureau.runtime.")
