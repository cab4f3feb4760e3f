"""Reads the recorded attempts of tasks, with their tracebacks for those who may see them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from bureau.ledger.db.tables import attempts

TRACEBACKS_CHARACTERS = 400_000  # of all attempts that are read together: a hundred tasks may have many attempts each

_PLAIN = [column for column in attempts.c if column.name != "traceback"]


@dataclass(frozen=True)
class RecordedAttempt:
    """Holds an attempt that did not end in success."""

    claim_no: int
    outcome: str
    worker: str | None
    started_at: datetime | None
    ended_at: datetime
    error: dict[str, Any] | None
    traceback: str | None = None


def attempts_by_task(
    connection: Connection, ids: Sequence[UUID], *, tracebacks: bool
) -> Mapping[UUID, Sequence[RecordedAttempt]]:
    """Returns the attempts of each task, the first one first. Without `tracebacks` none is read."""
    query = select(*(attempts.c if tracebacks else _PLAIN)).where(attempts.c.task_id.in_(ids))
    rows = connection.execute(query.order_by(attempts.c.claim_no)).all()
    found: dict[UUID, list[RecordedAttempt]] = defaultdict(list)
    left = TRACEBACKS_CHARACTERS
    for row in reversed(rows):  # where there are too many, the newest are shown
        values = row._asdict()
        task_id = values.pop("task_id")
        attempt = RecordedAttempt(**values)
        left -= len(attempt.traceback or "")
        found[task_id].insert(0, attempt if left >= 0 else replace(attempt, traceback=None))
    return found
