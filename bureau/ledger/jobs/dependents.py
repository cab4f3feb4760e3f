"""Makes the dependents of ended tasks ready or skips them.

It runs inside a transaction that holds the job's row lock, so that the counters below are exact.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Integer, Uuid, select, update

from bureau.contracts.jobs.states import TaskState, When
from bureau.ledger.db.json_rows import ROWS_AT_MOST, JsonRows
from bureau.ledger.db.prepared import Prepared, one_of
from bureau.ledger.db.sql_time import now
from bureau.ledger.db.tables import dependencies, tasks
from bureau.ledger.jobs.retry_policy import dependent_state


@dataclass(frozen=True)
class ReadyTask:
    """Names a task that became ready, and where it runs."""

    id: UUID
    queue: str
    run: str


class Passes(Enum):
    """Says what an ended task passes on to its dependents."""

    SUCCESS = auto()
    FAILURE = auto()  # it failed, or it was skipped because something before it failed
    NEITHER = auto()  # it was cancelled, or skipped without a failure

    @classmethod
    def of(cls, state: TaskState) -> "Passes":
        """Returns what a task passes on that was not skipped."""
        return {TaskState.SUCCEEDED: cls.SUCCESS, TaskState.FAILED: cls.FAILURE}.get(state, cls.NEITHER)


@dataclass
class ReleasedDependents:
    """Holds, by job, the dependents that became ready and the number of those that were skipped."""

    ready: dict[UUID, list[ReadyTask]] = field(default_factory=lambda: defaultdict(list))
    skipped: Counter[UUID] = field(default_factory=Counter)


def release_dependents(connection: Connection, ended: Sequence[tuple[UUID, TaskState]]) -> ReleasedDependents:
    """Updates the dependents of ended tasks, of one job or several.

    A skipped dependent has ended too, so its own dependents are updated in turn. It passes on the failure for which it
    was skipped: a task with `when: failed` at the end of a chain runs, whichever link failed.
    """
    released = ReleasedDependents()
    wave = {task_id: Passes.of(state) for task_id, state in ended}
    while wave:
        counted = _count_down(connection, wave)
        decided = [
            (row, dependent_state(When(row.when), row.upstream_open, row.upstream_failed, row.upstream_unsuccessful))
            for row in counted
        ]
        ready = [row for row, state in decided if state is TaskState.READY]
        skipped = [row for row, state in decided if state is TaskState.SKIPPED]
        if ready:
            _READY.execute(connection, {"ids": [row.id for row in ready]})
        if skipped:
            _SKIPPED.execute(connection, {"ids": [row.id for row in skipped]})
        for row in ready:
            released.ready[row.job_id].append(ReadyTask(row.id, row.queue, row.run))
        released.skipped.update(row.job_id for row in skipped)
        wave = {row.id: Passes.FAILURE if row.upstream_failed else Passes.NEITHER for row in skipped}
    return released


def _count_down(connection: Connection, ended: Mapping[UUID, Passes]) -> list[Any]:
    """Counts down the ended tasks in each waiting dependent. Returns those rows, once each, with the new counters."""
    links = _LINKS.execute(connection, {"ids": list(ended)})
    if not links:
        return []
    closed = Counter(link.downstream for link in links)
    failed = Counter(link.downstream for link in links if ended[link.upstream] is Passes.FAILURE)
    unsuccessful = Counter(link.downstream for link in links if ended[link.upstream] is not Passes.SUCCESS)
    counts = [
        {"task": task, "closed": closed[task], "failed": failed[task], "unsuccessful": unsuccessful[task]}
        for task in sorted(closed)
    ]
    counted: list[Any] = []
    for start in range(0, len(counts), ROWS_AT_MOST):
        counted += _COUNTED.query(connection, _COUNT_DOWN, counts[start : start + ROWS_AT_MOST])
    return counted


_LINKS = Prepared(
    select(dependencies.c.upstream, dependencies.c.downstream).where(one_of(dependencies.c.upstream, "ids"))
)
_COUNTED = JsonRows(task=Uuid(), closed=Integer(), failed=Integer(), unsuccessful=Integer())
_COUNT_DOWN = (
    update(tasks)
    .where(_COUNTED.matches(tasks.c.id), tasks.c.state == TaskState.WAITING)
    .values(
        upstream_open=tasks.c.upstream_open - _COUNTED["closed"],
        upstream_failed=tasks.c.upstream_failed + _COUNTED["failed"],
        upstream_unsuccessful=tasks.c.upstream_unsuccessful + _COUNTED["unsuccessful"],
    )
    .returning(
        tasks.c.id,
        tasks.c.job_id,
        tasks.c.queue,
        tasks.c.run,
        tasks.c.when,
        tasks.c.upstream_open,
        tasks.c.upstream_failed,
        tasks.c.upstream_unsuccessful,
    )
)
_READY = Prepared(update(tasks).where(one_of(tasks.c.id, "ids")).values(state=TaskState.READY, due_at=now()))
_SKIPPED = Prepared(update(tasks).where(one_of(tasks.c.id, "ids")).values(state=TaskState.SKIPPED, finished_at=now()))
