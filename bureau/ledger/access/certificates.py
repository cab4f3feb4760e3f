"""Keeps the register of certificates: which were issued for which owner, and which were revoked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from bureau.ledger.access import audit
from bureau.ledger.access.audit import Act
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import now
from bureau.ledger.db.tables import certificates

_AT_ONCE = 500


@dataclass(frozen=True)
class Issued:
    """Describes a registered certificate. `revoked_for` is the reason that was given."""

    serial: str
    owner: str
    job_id: UUID
    issued_at: datetime
    revoked_at: datetime | None
    revoked_for: str | None


def note_issued(db: Database, owner: str, job_id: UUID, serials: Sequence[str]) -> None:
    """Registers certificates, except those registered before: a task that runs again issues the same ones.

    Raises `LedgerUnavailable`.
    """
    for start in range(0, len(serials), _AT_ONCE):
        rows = [
            {"serial": serial, "owner": owner, "job_id": job_id, "issued_at": now()}
            for serial in serials[start : start + _AT_ONCE]
        ]
        with db.transaction() as connection:
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            connection.execute(insert(certificates).values(rows).on_conflict_do_nothing())


def find(db: Database, serial: str) -> Issued | None:
    """Returns the certificate with this serial, or None. Raises `LedgerUnavailable`."""
    with db.read() as connection:
        row = connection.execute(select(certificates).where(certificates.c.serial == serial)).one_or_none()
    return Issued(*row) if row else None


def revoke(db: Database, serial: str, reason: str | None, act: Act, *, owner: str | None = None) -> Issued | None:
    """Revokes a certificate and returns it; if it was revoked before, that revocation stays.

    With `owner`, only a certificate of that owner is found. Returns None if there is none.
    """
    wanted = [certificates.c.serial == serial, *([certificates.c.owner == owner] if owner is not None else [])]
    with db.transaction() as connection:
        changed = connection.execute(
            update(certificates)
            .where(*wanted, certificates.c.revoked_at.is_(None))
            .values(revoked_at=now(), revoked_for=reason)
        ).rowcount
        row = connection.execute(select(certificates).where(*wanted)).one_or_none()
        found = Issued(*row) if row else None
        if found and changed:
            audit.note(connection, replace(act, owner=found.owner))
    return found
