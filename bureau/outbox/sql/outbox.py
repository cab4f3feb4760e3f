"""Writes submissions with the application's data, and sends those that are committed: each makes one job.

A row is deleted after the gateway has accepted it. A process that dies in between leaves the row, and the row's id is
the job's, so it can be sent again at any time.
"""

import json
import time
from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Engine, Executable, Row, Table, delete, insert, select, update

from bureau.client import Bureau, BureauError
from bureau.client.encoding import json_bytes
from bureau.client.submissions import job_of_task
from bureau.contracts.ids import new_id
from bureau.outbox.sending import LEASE_SECONDS, Accepted, Postponed, Refused, attempted, retry_seconds

JOBS = "/v1/jobs"


class Executes(Protocol):
    """Runs statements in a transaction of the application: a Connection or a Session."""

    def execute(self, statement: Executable, /) -> Any: ...


class Outbox:
    """Holds the outbox of one database. Threads may share it, and any number of processes may send."""

    def __init__(self, engine: Engine, bureau: Bureau, table: Table) -> None:
        """`engine` opens the transactions of sending; submissions belong to those of their callers."""
        self._engine = engine
        self._bureau = bureau
        self._table = table

    def task(
        self,
        transaction: Executes,
        run: str,
        /,
        input: Mapping[str, Any] | None = None,
        *,
        queue: str | None = None,
        **keywords: Any,
    ) -> UUID:
        """Submits one task with the transaction, as `Bureau.task` does, and returns the job's id."""
        return self.submit(transaction, job_of_task(run, input, queue, keywords))

    def submit(self, transaction: Executes, body: Mapping[str, Any], *, path: str = JOBS) -> UUID:
        """Submits a request with the transaction: of a job, or of what `path` takes, such as `/v1/emails`.

        Returns the job's id: that in `body`, or a new one. It is sent once the transaction is committed.
        """
        plain: dict[str, Any] = json.loads(json_bytes(dict(body)))
        job_id = UUID(plain.pop("id")) if plain.get("id") else new_id()
        now = _now()
        row = {"id": job_id, "path": path, "body": plain, "created_at": now, "tries": 0, "next_try_at": now}
        transaction.execute(insert(self._table).values(**row, trouble=""))
        return job_id

    def drain(self, limit: int = 1000) -> int:
        """Sends the submissions that are due, the oldest first, and returns how many were accepted.

        Raises `BureauError` if the gateway is away.
        """
        columns = self._table.c
        due = select(self._table).where(columns.refused_at.is_(None), columns.next_try_at <= _now())
        with self._engine.connect() as connection:
            rows = connection.execute(due.order_by(columns.created_at).limit(limit)).all()
        return sum(self._send(row) for row in rows if self._leased(row))

    def _leased(self, row: Row[Any]) -> bool:
        """Takes the row for a minute, so that other processes leave it alone. Returns whether this process got it.

        No transaction is open while the gateway is asked: it would lock the row, and on SQLite the database.
        """
        until = _now() + int(LEASE_SECONDS * 1000)
        columns = self._table.c
        same = update(self._table).where(columns.id == row.id, columns.next_try_at == row.next_try_at)
        with self._engine.begin() as connection:
            return bool(connection.execute(same.values(next_try_at=until)).rowcount)

    def _send(self, row: Row[Any]) -> bool:
        """Sends a submission, and returns whether it was accepted. Raises `BureauError` if the gateway is away."""

        def send() -> None:
            body = {**row.body, "id": str(row.id)}
            self._bureau.connection.send("POST", row.path, body, key=str(row.id))

        this = self._table.c.id == row.id
        try:
            outcome = attempted(send)
        except BureauError:  # the row is given back: it is due as before, and waits for the gateway only
            with self._engine.begin() as connection:
                connection.execute(update(self._table).where(this).values(next_try_at=row.next_try_at))
            raise
        with self._engine.begin() as connection:
            connection.execute(
                delete(self._table).where(this)
                if isinstance(outcome, Accepted)
                else update(self._table).where(this).values(**_changes(row, outcome))
            )
        return isinstance(outcome, Accepted)


def _changes(row: Row[Any], outcome: Postponed | Refused) -> dict[str, Any]:
    changes: dict[str, Any] = {"tries": row.tries + 1, "trouble": outcome.why}
    if isinstance(outcome, Refused):
        return changes | {"refused_at": _now()}
    return changes | {"next_try_at": _now() + retry_seconds(row.tries) * 1000}


def _now() -> int:
    return time.time_ns() // 1_000_000
