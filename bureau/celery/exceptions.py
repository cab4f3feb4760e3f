"""Defines the exceptions that code written for Celery raises and catches, and the one that refuses a name."""

from datetime import datetime
from typing import Any


class CeleryError(Exception):
    """Is the base of all errors here."""


class ImproperlyConfigured(CeleryError):
    """Says that a setting or a declaration is wrong."""


class NotInBureau(ImproperlyConfigured, NotImplementedError):
    """Says that Bureau has no such thing of Celery's, and what to use instead."""


class SecurityError(CeleryError):
    """Says that something is not trusted."""


class TaskPredicate(CeleryError):
    """Is the base of exceptions by which a task says what becomes of it."""


class Ignore(TaskPredicate):
    """Is raised by a task whose state shall not be recorded: nothing that waits for it runs."""


class Reject(TaskPredicate):
    """Is raised by a task that gives itself back: with `requeue` it runs again, otherwise it is dropped."""

    def __init__(self, reason: Any = None, requeue: bool = False) -> None:
        self.reason = reason
        self.requeue = requeue
        super().__init__(reason, requeue)

    def __repr__(self) -> str:
        return f"reject requeue={self.requeue}: {self.reason}"


class Retry(TaskPredicate):
    """Is raised to have the task run again at `when`: a number of seconds, or a time."""

    def __init__(
        self,
        message: str | None = None,
        exc: Any = None,
        when: float | datetime | None = None,
        is_eager: bool = False,
        sig: Any = None,
        **kwargs: Any,
    ) -> None:
        self.message = message
        self.exc = None if isinstance(exc, str) else exc
        self.excs = exc if isinstance(exc, str) else repr(exc) if exc else None
        self.when = when
        self.is_eager = is_eager
        self.sig = sig
        super().__init__(exc, when, **kwargs)

    def humanize(self) -> str:
        if isinstance(self.when, int | float):
            return f"in {self.when}s"
        return f"at {self.when}"

    def __str__(self) -> str:
        if self.message:
            return self.message
        return f"Retry {self.humanize()}: {self.excs}" if self.excs else f"Retry {self.humanize()}"


class TaskError(CeleryError):
    """Is the base of errors about tasks."""


class QueueNotFound(KeyError, TaskError):
    """Says that no queue has this name."""


class IncompleteStream(TaskError):
    """Says that a stream ended too early."""


class NotRegistered(KeyError, TaskError):
    """Says that no task of this name is declared."""

    def __repr__(self) -> str:
        return f"<@task: {self.args[0] if self.args else ''} is not registered>"


class AlreadyRegistered(TaskError):
    """Says that two tasks have the same name."""


class TimeoutError(TaskError):
    """Says that a result did not come in time."""


class MaxRetriesExceededError(TaskError):
    """Says that a task was tried again as often as it may be."""

    def __init__(self, *args: Any, task_args: Any = (), task_kwargs: Any = None) -> None:
        self.task_args = task_args
        self.task_kwargs = task_kwargs or {}
        super().__init__(*args)


class TaskRevokedError(TaskError):
    """Says that a task was revoked or expired, so it has no result."""


class InvalidTaskError(TaskError):
    """Says that a message is no task."""


class ChordError(TaskError):
    """Says that a task of a chord's header failed, so its body did not run."""


class SoftTimeLimitExceeded(Exception):
    """Is raised in a task that runs longer than its `soft_time_limit`."""

    def __str__(self) -> str:
        return f"SoftTimeLimitExceeded{self.args}"


class TimeLimitExceeded(Exception):
    """Is the failure of a task that ran longer than its `time_limit`."""


class WorkerLostError(Exception):
    """Is the failure of a task whose workers died again and again."""


class BackendError(Exception):
    """Is the base of errors of where results are kept."""


class BackendGetMetaError(BackendError):
    """Says that a result could not be read."""


class BackendStoreError(BackendError):
    """Says that a result could not be written."""


class WorkerTerminate(SystemExit):
    """Asks a worker to end at once."""


class WorkerShutdown(SystemExit):
    """Asks a worker to end."""


class CeleryWarning(UserWarning):
    """Is the base of warnings here."""
