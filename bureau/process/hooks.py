"""Defines `@on`, which calls a function when tasks begin and end, and when their process begins and stops.

    @on("failed", "retried")
    def report(task: TaskRun) -> None:
        monitor.capture(task.error, task=task.run)

    @on("process_started")
    def begin() -> None:
        monitor.connect()

A hook is called in the thread that runs the task; that of an `async def` task in any thread, because a hook may block.
The hooks of an end are called when the ledger has it, so a hook that raises, hangs or ends the process changes no end.
If the process dies in between, nobody is told.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args
from uuid import UUID

import structlog

TaskMoment = Literal["started", "succeeded", "retried", "failed", "cancelled", "ended"]
"""`ended` comes after the others and in any case, also for a task that was handed back or lost."""
ProcessMoment = Literal["process_started", "process_stopping"]
Moment = TaskMoment | ProcessMoment

H = TypeVar("H", bound=Callable[..., object])

TASK_MOMENTS: tuple[str, ...] = get_args(TaskMoment)
PROCESS_MOMENTS: tuple[str, ...] = get_args(ProcessMoment)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class TaskRun:
    """Describes one execution of a task for its hooks.

    `run` is the task's name, `name` the one that it has in its job. `error` is what the function raised; None for a
    success, for one that was stopped from outside, and before the end.
    """

    run: str
    queue: str
    name: str
    job_id: UUID
    task_id: UUID
    owner: str
    attempt: int
    claim_no: int
    error: BaseException | None = field(default=None, compare=False)


class Hooks:
    """Holds the hooks of a process, in the order in which they were declared."""

    def __init__(self) -> None:
        self._by_moment: dict[str, list[Callable[..., object]]] = {}

    def add(self, moments: Iterable[str], hook: Callable[..., object]) -> None:
        for moment in moments:
            self._by_moment.setdefault(moment, []).append(hook)

    def has(self, moments: Iterable[str]) -> bool:
        """Returns whether a hook was declared for one of these moments."""
        return any(moment in self._by_moment for moment in moments)

    def call(self, moment: str, *arguments: Any) -> None:
        """Calls the hooks of a moment. Never raises: an error is logged, and the other hooks are called too."""
        for hook in self._by_moment.get(moment, ()):
            try:
                hook(*arguments)
            except BaseException:  # noqa: BLE001 - SystemExit too: a hook must not end what called it
                _log_error(moment, f"{hook.__module__}.{hook.__qualname__}")


def _log_error(moment: str, hook: str) -> None:
    """Logs the current exception; where it cannot be written, because its `__str__` raises too, only the hook."""
    try:
        log.exception("a hook raised", moment=moment, hook=hook)
    except BaseException:  # noqa: BLE001 - whatever its `__str__` raises
        log.error("a hook raised an error that cannot be written", moment=moment, hook=hook)


HOOKS = Hooks()  # all that `@on` declared in this process


def on(*moments: Moment) -> Callable[[H], H]:
    """Calls a function at each of these moments; it takes a `TaskRun`, or nothing if the moment is a process's.

    Raises `ValueError` for a moment that there is not, and `TypeError` for an `async def` function and for moments of
    tasks and of processes together.
    """
    if unknown := [moment for moment in moments if moment not in TASK_MOMENTS + PROCESS_MOMENTS]:
        raise ValueError(f"{unknown[0]!r} is no moment; there are {', '.join(TASK_MOMENTS + PROCESS_MOMENTS)}")
    if not moments or {moment in TASK_MOMENTS for moment in moments} == {True, False}:
        raise TypeError("name moments of tasks, or of processes: a hook takes a TaskRun or nothing")

    def declare(hook: H) -> H:
        if inspect.iscoroutinefunction(hook):
            raise TypeError(f"hook {hook.__qualname__}: write def; it is called in a thread, also for async tasks")
        HOOKS.add(moments, hook)
        return hook

    return declare
