"""Keeps addresses that get no mail: a list for each owner, filled by hard bounces, complaints and people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, String, delete, select, true
from sqlalchemy.dialects import postgresql, sqlite

from bureau.contracts.mail.addresses import folded
from bureau.contracts.mail.mail_events import SuppressionReason
from bureau.ledger.access import audit
from bureau.ledger.access.audit import Act
from bureau.ledger.db.database import Database
from bureau.ledger.db.json_rows import JsonRows
from bureau.ledger.db.mail_tables import suppressions
from bureau.ledger.db.sql_time import now


@dataclass(frozen=True)
class Suppression:
    """Holds a suppressed address in lower case, and the reason."""

    address: str
    reason: SuppressionReason
    detail: str | None
    created_at: datetime


def among(db: Database, owner: str, addresses: Sequence[str]) -> dict[str, Suppression]:
    """Returns the suppressed ones of an owner's addresses, keyed by the address as the caller wrote it."""
    with db.read() as connection:
        found = listed_among(connection, [(owner, address) for address in addresses])
    return {address: one for (_, address), one in found.items()}


def listed_among(connection: Connection, asked: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Suppression]:
    """Returns the suppressions of those pairs of owner and address that are listed, in one statement."""
    given = {(owner, folded(address)): (owner, address) for owner, address in asked}
    statement = _AMONG if connection.dialect.name == "sqlite" else _AMONG_BY_KEY
    rows = _ASKED.query(connection, statement, [{"owner": owner, "address": address} for owner, address in given])
    return {given[row.owner, row.address]: _suppression(row) for row in rows}


_ASKED = JsonRows(owner=String(), address=String())
_AMONG = select(suppressions).where(
    suppressions.c.owner == _ASKED["owner"], suppressions.c.address == _ASKED["address"]
)
# PostgreSQL joins the two by a hash of the whole list, however long it is, unless each address is looked up by itself.
_listed = _AMONG.limit(1).lateral("listed")
_AMONG_BY_KEY = select(_listed).select_from(_ASKED.rows).join(_listed, true())


def listed(db: Database, owner: str, *, address: str | None, after: str, limit: int) -> list[Suppression]:
    """Lists suppressions after `after`, by address; only that of `address` if it is given."""
    query = select(suppressions).where(suppressions.c.owner == owner, suppressions.c.address > after)
    if address is not None:
        query = query.where(suppressions.c.address == folded(address))
    with db.read() as connection:
        return [_suppression(row) for row in connection.execute(query.order_by(suppressions.c.address).limit(limit))]


def add(db: Database, owner: str, address: str, detail: str | None, act: Act) -> Suppression:
    """Adds a suppression. Returns the stored one: the first reason stays."""
    with db.transaction() as connection:
        note(connection, owner, address, SuppressionReason.MANUAL, detail)
        audit.note(connection, act)
        row = connection.execute(
            select(suppressions).where(suppressions.c.owner == owner, suppressions.c.address == folded(address))
        ).one()
    return _suppression(row)


def remove(db: Database, owner: str, address: str, act: Act) -> bool:
    """Removes a suppression, so that the address gets mail again. Returns False if there was none."""
    with db.transaction() as connection:
        gone = connection.execute(
            delete(suppressions).where(suppressions.c.owner == owner, suppressions.c.address == folded(address))
        ).rowcount
        if gone:
            audit.note(connection, act)
    return bool(gone)


def note(connection: Connection, owner: str, address: str, reason: SuppressionReason, detail: str | None) -> None:
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(
        make(suppressions)
        .values(owner=owner, address=folded(address), reason=reason, detail=detail, created_at=now())
        .on_conflict_do_nothing()
    )


def _suppression(row: Row[Any]) -> Suppression:
    return Suppression(row.address, SuppressionReason(row.reason), row.detail, row.created_at)
