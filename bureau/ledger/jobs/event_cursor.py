"""Marks positions in the ledger's history, so that new events are read exactly and without reading jobs.

Each event carries the number of the transaction that wrote it, `tx`. PostgreSQL assigns numbers before the commit, so
a lower one may appear after a higher one: an `EventCursor` is therefore a snapshot, which includes the numbers of
transactions in progress. SQLite runs one writing transaction at a time, and numbers grow in the order of commits.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, func, select, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from bureau.ledger.db.tables import events


class this_transaction(FunctionElement[int]):  # noqa: N801 - reads as the SQL function it is
    """Gives the number of the transaction that inserts a row."""

    type = BigInteger()
    inherit_cache = True


@compiles(this_transaction, "postgresql")
def _postgresql(_element: Any, _compiler: Any, **_kw: Any) -> str:
    return "CAST(CAST(pg_current_xact_id() AS text) AS bigint)"


@compiles(this_transaction, "sqlite")
def _sqlite(_element: Any, _compiler: Any, **_kw: Any) -> str:
    """Returns one more than the last number, and at least the clock: the last rows may be deleted with their job."""
    return (
        "max((SELECT coalesce(max(tx), 0) + 1 FROM events),"
        " CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000)"
    )


@dataclass(frozen=True)
class EventCursor:
    """Says that all transactions below `end` have ended except those `under_way`, and none from `end` on."""

    end: int
    under_way: frozenset[int] = frozenset()


def current_cursor(connection: Connection) -> EventCursor:
    """Returns the current position. Later statements of the same transaction see at least everything before it."""
    if connection.dialect.name == "sqlite":
        last = connection.execute(select(func.max(events.c.tx))).scalar_one()
        return EventCursor((last or 0) + 1)
    snapshot: str = connection.execute(text("SELECT CAST(pg_current_snapshot() AS text)")).scalar_one()
    _, end, under_way = snapshot.split(":")
    return EventCursor(int(end), frozenset(int(number) for number in under_way.split(",") if number))


def between(since: EventCursor, until: EventCursor) -> list[ColumnElement[bool]]:
    """Returns conditions that together match the events committed after `since` and by `until`.

    There are two conditions, not one with OR: without statistics PostgreSQL would read the whole table for an OR.
    """
    begun = and_(events.c.tx >= since.end, events.c.tx < until.end, events.c.tx.not_in(sorted(until.under_way)))
    ended = since.under_way - until.under_way
    return [begun, events.c.tx.in_(sorted(ended))] if ended else [begun]
