"""Keeps secrets that gateways generate and share, so that nobody has to distribute them."""

from secrets import token_urlsafe

from sqlalchemy import insert, select

from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import now
from bureau.ledger.db.tables import secrets

CERTIFICATES = "certificates"  # signs certificates if all run in one process: a private Ed25519 key in base64url


def kept_secret(db: Database, name: str) -> str:
    """Returns a secret of 256 bits, generated on the first request."""
    return known_secret(db, name) or _made(db, name)


def known_secret(db: Database, name: str) -> str | None:
    """Returns a secret, or None if it was not generated yet."""
    with db.read() as connection:
        return connection.execute(select(secrets.c.value).where(secrets.c.name == name)).scalar_one_or_none()


def _made(db: Database, name: str) -> str:
    with db.transaction() as connection:
        db.lock_queue(connection, f"secret.{name}")
        kept = connection.execute(select(secrets.c.value).where(secrets.c.name == name)).scalar_one_or_none()
        if kept is None:
            kept = token_urlsafe(32)
            connection.execute(insert(secrets).values(name=name, value=kept, created_at=now()))
    return str(kept)
