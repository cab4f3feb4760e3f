"""Manages keys, which say who may use the gateway and for what. Only the SHA-256 of a key's secret is stored."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, exists, insert, or_, select, update

from bureau.ledger.access import audit
from bureau.ledger.access.audit import Act
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later, now
from bureau.ledger.db.tables import keys

USE_NOTED_SECONDS = 60


class Role(StrEnum):
    """Says what a key may do; each role includes those before it."""

    VIEW = "view"  # read its owner's jobs and files
    SUBMIT = "submit"  # submit, act on single jobs, make links
    OPERATE = "operate"  # act on many at once, see workers and queues

    def includes(self, needed: "Role") -> bool:
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(needed)


@dataclass(frozen=True)
class NewKey:
    """Describes a key to add. `sha256` is of the secret; without `expires_in_seconds` it is valid until revoked."""

    id: str
    owner: str
    role: Role
    sha256: str = field(repr=False)
    label: str = ""
    expires_in_seconds: float | None = None


@dataclass(frozen=True)
class Key:
    """Describes a stored key. The database's clock decides `expired` and `use_is_old`."""

    id: str
    owner: str
    role: Role
    label: str
    sha256: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None
    expired: bool
    use_is_old: bool


@dataclass(frozen=True)
class KeyCheck:
    """Holds what was just read of a key: a submission is accepted only if all of it still holds."""

    id: str
    owner: str
    role: Role
    sha256: str = field(repr=False)

    @classmethod
    def of(cls, key: Key) -> "KeyCheck":
        return cls(key.id, key.owner, key.role, key.sha256)


def add(db: Database, new: NewKey, act: Act) -> None:
    lives = new.expires_in_seconds
    with db.transaction() as connection:
        connection.execute(
            insert(keys).values(
                id=new.id,
                owner=new.owner,
                role=new.role,
                label=new.label,
                sha256=new.sha256,
                created_at=now(),
                expires_at=later(lives) if lives is not None else None,
            )
        )
        audit.note(connection, act)


def find(db: Database, key_id: str) -> Key | None:
    """Returns a key, even if it is revoked or expired; None if there is none."""
    with db.read() as connection:
        row = connection.execute(_select().where(keys.c.id == key_id)).one_or_none()
    return _key(row) if row else None


def all_keys(db: Database) -> list[Key]:
    """Returns all keys by owner, newest last."""
    with db.read() as connection:
        return [_key(row) for row in connection.execute(_select().order_by(keys.c.owner, keys.c.created_at))]


def holds(connection: Connection, check: KeyCheck) -> bool:
    """Returns whether the key is unchanged, not revoked and not expired, inside the caller's transaction."""
    same = [keys.c.owner == check.owner, keys.c.role == check.role, keys.c.sha256 == check.sha256]
    valid = [keys.c.revoked_at.is_(None), or_(keys.c.expires_at.is_(None), keys.c.expires_at > now())]
    return bool(connection.execute(select(exists().where(keys.c.id == check.id, *same, *valid))).scalar_one())


def there_are_any(db: Database) -> bool:
    """Returns whether there are keys, revoked and expired ones included: revoking the last must not admit everybody."""
    with db.read() as connection:
        return any_within(connection)


def any_within(connection: Connection) -> bool:
    """Returns the same as `there_are_any`, inside the caller's transaction."""
    return bool(connection.execute(select(exists().select_from(keys))).scalar_one())


def revoke(db: Database, key_id: str, act: Act) -> bool:
    """Revokes a key at once. Returns False if there is no such key, or if it was revoked before."""
    with db.transaction() as connection:
        revoked = connection.execute(
            update(keys).where(keys.c.id == key_id, keys.c.revoked_at.is_(None)).values(revoked_at=now())
        ).rowcount
        if revoked:
            audit.note(connection, act)
    return bool(revoked)


def note_use(db: Database, key_id: str) -> None:
    """Records that the key is used, at most once a minute."""
    with db.transaction() as connection:
        connection.execute(update(keys).where(keys.c.id == key_id, _use_is_old()).values(used_at=now()))


def _use_is_old() -> ColumnElement[bool]:
    return or_(keys.c.used_at.is_(None), keys.c.used_at < later(-USE_NOTED_SECONDS))


def _select() -> Any:
    expired = case((keys.c.expires_at <= now(), True), else_=False)
    return select(keys, expired.label("expired"), case((_use_is_old(), True), else_=False).label("use_is_old"))


def _key(row: Row[Any]) -> Key:
    return Key(**{**row._asdict(), "role": Role(row.role)})
