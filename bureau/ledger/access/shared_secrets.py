"""Secrets that gateways make for themselves and share, so that nobody has to hand them round."""

from secrets import token_urlsafe

from sqlalchemy import insert, select

from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import now
from bureau.ledger.db.tables import secrets

CERTIFICATES = "certificates"  # what all in one process signs certificates with: a private Ed25519 key in base64url


def kept_secret(db: Database, name: str) -> str:
    """Made when it is first asked for, of 256 bits."""
    return known_secret(db, name) or _made(db, name)


def known_secret(db: Database, name: str) -> str | None:
    """None where nobody has asked for it to be made."""
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
