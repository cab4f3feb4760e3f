"""Keys in the ledger: made, found, revoked, expired; their use is noted, and what was done with them."""

from typing import Any

import pytest
from sqlalchemy import select, update

from bureau.ledger.access import keys
from bureau.ledger.access.audit import Act
from bureau.ledger.access.keys import Key, NewKey, Role
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import audit
from bureau.ledger.db.tables import keys as key_table

SHA256 = "5e" * 32


def act(what: str) -> Act:
    return Act(what, "shop", "command", target="abc")


def made(db: Database, key_id: str = "abc", *, owner: str = "shop", expires_in_seconds: float | None = None) -> None:
    new = NewKey(key_id, owner, Role.SUBMIT, SHA256, "the shop", expires_in_seconds)
    keys.add(db, new, act("key.make"))


def found(db: Database, key_id: str = "abc") -> Key:
    key = keys.find(db, key_id)
    assert key is not None
    return key


def set_key(db: Database, **values: Any) -> None:
    with db.transaction() as connection:
        connection.execute(update(key_table).values(**values))


def acts(db: Database) -> list[tuple[str, str, int]]:
    with db.read() as connection:
        rows = connection.execute(select(audit.c.act, audit.c.by, audit.c["count"]).order_by(audit.c.id))
        return [(str(what), str(by), int(count)) for what, by, count in rows]


def test_a_key_is_found_as_it_was_made(db: Database) -> None:
    made(db)
    key = found(db)
    assert (key.owner, key.role, key.label, key.sha256) == ("shop", Role.SUBMIT, "the shop", SHA256)
    assert (key.expires_at, key.revoked_at, key.used_at, key.expired) == (None, None, None, False)
    assert keys.find(db, "other") is None


def test_the_hash_of_a_key_is_not_shown(db: Database) -> None:
    made(db)
    assert SHA256 not in repr(found(db))
    assert SHA256 not in repr(NewKey("abc", "shop", Role.VIEW, SHA256))


def test_a_key_expires_by_the_databases_clock(db: Database) -> None:
    made(db, expires_in_seconds=60)
    key = found(db)
    assert key.expires_at is not None
    assert (key.expires_at - key.created_at).total_seconds() == pytest.approx(60, abs=1)
    assert key.expired is False
    set_key(db, expires_at=later(-0.01))
    assert found(db).expired is True


def test_a_key_is_revoked_once(db: Database) -> None:
    made(db)
    assert keys.revoke(db, "abc", act("key.revoke")) is True
    assert keys.revoke(db, "abc", act("key.revoke")) is False
    assert keys.revoke(db, "other", act("key.revoke")) is False
    assert found(db).revoked_at is not None
    assert acts(db) == [("key.make", "command", 1), ("key.revoke", "command", 1)]


def test_revoked_and_expired_keys_still_close_the_door(db: Database) -> None:
    assert keys.there_are_any(db) is False
    made(db)
    keys.revoke(db, "abc", act("key.revoke"))
    set_key(db, expires_at=later(-1))
    assert keys.there_are_any(db) is True


def test_use_is_written_at_most_once_a_minute(db: Database) -> None:
    made(db)
    assert found(db).use_is_old is True
    keys.note_use(db, "abc")
    first = found(db)
    assert first.use_is_old is False
    keys.note_use(db, "abc")
    assert found(db).used_at == first.used_at
    set_key(db, used_at=later(-61))
    assert found(db).use_is_old is True
    keys.note_use(db, "abc")
    assert found(db).use_is_old is False


def test_keys_are_listed_by_owner(db: Database) -> None:
    for key_id, owner in (("a", "shop"), ("b", "ada"), ("c", "shop")):
        made(db, key_id, owner=owner)
    assert [key.owner for key in keys.all_keys(db)] == ["ada", "shop", "shop"]


@pytest.mark.parametrize(
    ("role", "needed", "may"),
    [
        (Role.VIEW, Role.VIEW, True),
        (Role.VIEW, Role.SUBMIT, False),
        (Role.VIEW, Role.OPERATE, False),
        (Role.SUBMIT, Role.VIEW, True),
        (Role.SUBMIT, Role.SUBMIT, True),
        (Role.SUBMIT, Role.OPERATE, False),
        (Role.OPERATE, Role.VIEW, True),
        (Role.OPERATE, Role.SUBMIT, True),
        (Role.OPERATE, Role.OPERATE, True),
    ],
)
def test_each_role_may_what_those_before_it_may(role: Role, needed: Role, may: bool) -> None:
    assert role.includes(needed) is may
