"""Hooks of one test: those that are there are put aside meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bureau.process.hooks import HOOKS, TASK_MOMENTS, TaskRun, on

Told = list[tuple[str, TaskRun]]


@contextmanager
def hooks_aside() -> Iterator[None]:
    before, HOOKS._by_moment = HOOKS._by_moment, {}
    try:
        yield
    finally:
        HOOKS._by_moment = before


def noted() -> Told:
    """Declares a hook for each moment of a task, which notes what it was told."""
    told: Told = []
    for moment in TASK_MOMENTS:
        on(moment)(_noting(told, moment))  # type: ignore[arg-type]  # each is one of them
    return told


def _noting(told: Told, moment: str) -> Callable[[TaskRun], Any]:
    def note(run: TaskRun) -> None:
        told.append((moment, run))

    return note
