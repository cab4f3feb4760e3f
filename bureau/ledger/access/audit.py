"""Records who did what from outside.

The row is written in the transaction of the act, or before an act of many transactions.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select, update

from bureau.contracts.ids import new_id
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import now
from bureau.ledger.db.tables import audit

FILE = "file"  # done by the author of SCHEDULES_FILE
COMMAND = "command"  # done by a person with a shell and the database's password
EVERYBODY = "*"  # stands for the owner if all owners are concerned


@dataclass(frozen=True)
class Act:
    """Describes an act: `what` was done to things of `owner`, by `key <id>`, `local` (no keys), `command` or `file`."""

    what: str
    owner: str
    by: str
    target: str | None = None
    request_id: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def note(connection: Connection, act: Act, count: int | None = 1) -> UUID:
    """Records an act that changed `count` things, inside its transaction. Returns the row's id."""
    row_id = new_id()
    connection.execute(
        insert(audit).values(
            id=row_id,
            at=now(),
            by=act.by,
            owner=act.owner,
            act=act.what,
            target=act.target,
            count=count,
            request_id=act.request_id,
            detail=act.detail or None,
        )
    )
    return row_id


def begin(db: Database, act: Act) -> UUID:
    """Records the start of an act of many transactions; `end` records how many things it changed."""
    with db.transaction() as connection:
        return note(connection, act, count=None)


def end(db: Database, row_id: UUID, count: int) -> None:
    with db.transaction() as connection:
        connection.execute(update(audit).where(audit.c.id == row_id).values(count=count))


@dataclass(frozen=True)
class Noted:
    """Holds a recorded act. `count` is how many things it changed; None while it runs, or if its process died."""

    id: UUID
    at: datetime
    by: str
    owner: str
    act: str
    target: str | None
    count: int | None
    request_id: str | None
    detail: dict[str, Any] | None


def listed(db: Database, owner: str, *, act: str | None, before: UUID | None, limit: int) -> list[Noted]:
    """Lists acts older than the row `before`, newest first; `act` selects one kind."""
    query = select(audit).where(audit.c.owner.in_((owner, EVERYBODY))).order_by(audit.c.id.desc()).limit(limit)
    if act:
        query = query.where(audit.c.act == act)
    if before is not None:
        query = query.where(audit.c.id < before)
    with db.read() as connection:
        return [
            Noted(**{name: getattr(row, name) for name in Noted.__dataclass_fields__})
            for row in connection.execute(query)
        ]
