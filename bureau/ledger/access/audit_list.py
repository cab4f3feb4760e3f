"""The audit as operators read it: what was done to their own things, and to what is everybody's."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from bureau.ledger.access.audit import EVERYBODY
from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import audit


@dataclass(frozen=True)
class Noted:
    """An act. `count`: how many things it did; None while it is under way, and where its process died."""

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
    """The newest first, older than the row `before`; `act` narrows to one kind."""
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
