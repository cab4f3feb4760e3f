"""Defines the state machine of jobs and tasks.

waiting ──dependencies ended──► ready ──claim──► running ──► succeeded
   │                              ▲ due_at          │   └──► failed
   │                              └─ due_at = now + delay ◄── retry, postponed, lease expired
   └─ can no longer run ──► skipped          waiting, ready, running ──► cancelled
"""

from enum import StrEnum


class TaskState(StrEnum):
    """Lists the states of a task as the ledger stores them."""

    WAITING = "waiting"  # the tasks in `after` have not ended
    READY = "ready"  # may run once due
    RUNNING = "running"  # claimed by a worker that holds a lease
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"  # can no longer run, because the tasks in `after` did not end as `when` requires


class JobState(StrEnum):
    """Lists the states of a job as the ledger stores them.

    Whether an open job is scheduled, queued or running follows from its tasks.
    """

    OPEN = "open"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED, TaskState.SKIPPED})

TRANSITIONS: dict[TaskState, frozenset[TaskState]] = {
    TaskState.WAITING: frozenset({TaskState.READY, TaskState.SKIPPED, TaskState.CANCELLED}),
    TaskState.READY: frozenset({TaskState.RUNNING, TaskState.CANCELLED}),
    TaskState.RUNNING: frozenset({TaskState.READY, TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED}),
    TaskState.SUCCEEDED: frozenset(),
    TaskState.FAILED: frozenset(),
    TaskState.CANCELLED: frozenset(),
    TaskState.SKIPPED: frozenset(),
}


class When(StrEnum):
    """Says when a task with dependencies runs; otherwise it is skipped."""

    SUCCEEDED = "succeeded"  # all of `after` succeeded
    FAILED = "failed"  # all of `after` ended, at least one failed or was skipped because something before it failed
    ENDED = "ended"  # all of `after` ended, in any state
