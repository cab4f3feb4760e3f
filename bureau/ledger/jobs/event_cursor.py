"""Where in the ledger's history an event was written, so that what is new since a look can be read: exactly, and
without looking at jobs.

Each event carries the number of the transaction that wrote it, `tx`. On PostgreSQL numbers are given before the
commit, so a lower one may appear after a higher one: an `EventCursor` is therefore a snapshot, which includes the
numbers that were still under way. On SQLite one transaction writes at a time, and numbers grow in the order of commits.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, func, select, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from bureau.ledger.db.tables import events


class this_transaction(FunctionElement[int]):  # noqa: N801 - reads as the SQL function it is
    """The number of the transaction that a row is inserted by."""

    type = BigInteger()
    inherit_cache = True


@compiles(this_transaction, "postgresql")
def _postgresql(_element: Any, _compiler: Any, **_kw: Any) -> str:
    return "CAST(CAST(pg_current_xact_id() AS text) AS bigint)"


@compiles(this_transaction, "sqlite")
def _sqlite(_element: Any, _compiler: Any, **_kw: Any) -> str:
    """One more than the last, and not below the clock: the last ones may have been deleted with their job."""
    return (
        "max((SELECT coalesce(max(tx), 0) + 1 FROM events),"
        " CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000)"
    )


@dataclass(frozen=True)
class EventCursor:
    """All transactions below `end` have ended, but for those `under_way`; none from `end` on."""

    end: int
    under_way: frozenset[int] = frozenset()


def current_cursor(connection: Connection) -> EventCursor:
    """The present one. Later statements of the same transaction see at least what came before it."""
    if connection.dialect.name == "sqlite":
        last = connection.execute(select(func.max(events.c.tx))).scalar_one()
        return EventCursor((last or 0) + 1)
    snapshot: str = connection.execute(text("SELECT CAST(pg_current_snapshot() AS text)")).scalar_one()
    _, end, under_way = snapshot.split(":")
    return EventCursor(int(end), frozenset(int(number) for number in under_way.split(",") if number))


def between(since: EventCursor, until: EventCursor) -> list[ColumnElement[bool]]:
    """Of the events that had not been committed at `since` and had at `until`: conditions, each met by some of them.

    Two, not one with OR: without statistics PostgreSQL would read the whole table for that.
    """
    begun = and_(events.c.tx >= since.end, events.c.tx < until.end, events.c.tx.not_in(sorted(until.under_way)))
    ended = since.under_way - until.under_way
    return [begun, events.c.tx.in_(sorted(ended))] if ended else [begun]
