"""Keeps console sessions that a logout ended, so that their cookies, still validly signed, are rejected."""

from sqlalchemy import bindparam, delete, insert, select

from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later, now
from bureau.ledger.db.tables import ended_sessions


def end(db: Database, session: str, seconds: float) -> None:
    """Ends a session. The row is kept for `seconds`, as long as the cookie's signature would be accepted."""
    with db.transaction() as connection:
        db.lock_queue(connection, f"session.{session}")
        if connection.execute(_KNOWN, {"session": session}).one_or_none() is None:
            row = {"session": session, "expires_at": later(seconds)}
            connection.execute(insert(ended_sessions).values(row))


def has_ended(db: Database, session: str) -> bool:
    with db.read() as connection:
        return connection.execute(_KNOWN, {"session": session}).one_or_none() is not None


def forget(db: Database, limit: int) -> int:
    """Deletes ended sessions whose cookies have expired. Returns how many."""
    old = select(ended_sessions.c.session).where(ended_sessions.c.expires_at < now()).limit(limit)
    with db.transaction() as connection:
        return connection.execute(delete(ended_sessions).where(ended_sessions.c.session.in_(old))).rowcount


_KNOWN = select(ended_sessions.c.session).where(ended_sessions.c.session == bindparam("session"))
