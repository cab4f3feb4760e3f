"""Implements idempotency keys: the first request takes its key and stores the answer in its submission's transaction.

A request that stores files first reserves its key meanwhile (`reserve`). Any other takes the key together with the
answer (`take`), so that no key stays reserved when the transaction fails or the database goes away.
"""

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bureau.contracts.ids import new_id
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later, now
from bureau.ledger.db.tables import idempotency

KEPT_SECONDS = 24 * 3600
HELD_SECONDS = 120  # longer than any upload may take; only the key of a dead holder stays reserved this long


@dataclass(frozen=True)
class Scope:
    """Identifies a key by its owner and route."""

    owner: str
    method: str
    path: str
    key: str


@dataclass(frozen=True)
class Reservation:
    """Represents the right to store the answer of a key; `token` fences a holder that was replaced."""

    scope: Scope
    token: UUID


@dataclass(frozen=True)
class Answer:
    """Holds the first answer; a replay renders the resource at `location` again."""

    status: int
    location: str


@dataclass(frozen=True)
class Once:
    """Holds a key that a submission takes in its own transaction; `token` tells this request from others with it."""

    scope: Scope
    fingerprint: str
    token: UUID = field(default_factory=new_id)


class KeyTaken(Exception):
    """Says that the key has a holder or an answer; `reserve` finds out which."""


class KeyReused(Exception):
    """Says that the key was used before with another request."""


class KeyBusy(Exception):
    """Says that a request with this key is in progress."""


class ReservationLost(Exception):
    """Says that the request took so long that another one with its key took over."""


def reserve(db: Database, scope: Scope, fingerprint: str) -> Reservation | Answer:
    """Reserves the key, or returns the answer of the request that used it. Raises `KeyReused` or `KeyBusy`."""
    once = Once(scope, fingerprint)
    with db.transaction() as connection:
        connection.execute(
            delete(idempotency).where(
                _is(scope),
                (idempotency.c.created_at < later(-KEPT_SECONDS))
                | and_(idempotency.c.status.is_(None), idempotency.c.held_until < now()),
            )
        )
        if _insert(connection, once, None):
            return Reservation(scope, once.token)
        row = connection.execute(select(idempotency).where(_is(scope))).one_or_none()
    if row is not None and row.fingerprint != fingerprint:
        raise KeyReused
    if row is None or row.status is None:  # None: its holder released it just now
        raise KeyBusy
    return Answer(row.status, row.location)


def given_before(db: Database, once: Once) -> Answer | None:
    """Returns the answer that the key has for this request; None if it has none, or was used with another request."""
    query = select(idempotency.c.status, idempotency.c.location).where(
        _is(once.scope),
        idempotency.c.fingerprint == once.fingerprint,
        idempotency.c.status.is_not(None),
        idempotency.c.created_at >= later(-KEPT_SECONDS),
    )
    with db.read() as connection:
        row = connection.execute(query).one_or_none()
    return Answer(row.status, row.location) if row else None


def take(connection: Connection, once: Once, given: Answer) -> None:
    """Takes the key and stores its answer, inside the submission's transaction. Raises `KeyTaken`.

    If another request with the key is about to commit, it waits for that one.
    """
    if not _insert(connection, once, given):
        raise KeyTaken


def _insert(connection: Connection, once: Once, given: Answer | None) -> bool:
    """Inserts the key. Returns False if it is there already."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    scope = once.scope
    inserted = connection.execute(
        insert(idempotency)
        .values(
            owner=scope.owner,
            method=scope.method,
            path=scope.path,
            key=scope.key,
            fingerprint=once.fingerprint,
            token=once.token,
            created_at=now(),
            held_until=later(HELD_SECONDS),
            status=given.status if given else None,
            location=given.location if given else None,
        )
        .on_conflict_do_nothing()
        .returning(idempotency.c.token)
    )
    return inserted.one_or_none() is not None


def answer(connection: Connection, reservation: Reservation, given: Answer) -> None:
    """Stores the answer of a reserved key, inside the submission's transaction. Raises `ReservationLost`."""
    kept = connection.execute(
        update(idempotency)
        .where(_is(reservation.scope), idempotency.c.token == reservation.token)
        .values(status=given.status, location=given.location)
    )
    if kept.rowcount == 0:
        raise ReservationLost


def release(db: Database, reservation: Reservation) -> None:
    """Releases a reserved key after a refusal: only 2xx answers are stored."""
    with db.transaction() as connection:
        connection.execute(
            delete(idempotency).where(
                _is(reservation.scope), idempotency.c.token == reservation.token, idempotency.c.status.is_(None)
            )
        )


def release_all(db: Database) -> None:
    """Releases all reserved keys at an embedded start: their holders are dead, so clients may retry at once."""
    with db.transaction() as connection:
        connection.execute(delete(idempotency).where(idempotency.c.status.is_(None)))


def _is(scope: Scope) -> ColumnElement[bool]:
    return and_(
        idempotency.c.owner == scope.owner,
        idempotency.c.method == scope.method,
        idempotency.c.path == scope.path,
        idempotency.c.key == scope.key,
    )
