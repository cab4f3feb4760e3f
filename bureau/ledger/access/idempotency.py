"""Idempotency keys: the first request with a key holds it, its submission answers it in the same transaction."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update

from bureau.contracts.ids import new_id
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later, now
from bureau.ledger.db.tables import idempotency

KEPT_SECONDS = 24 * 3600
HELD_SECONDS = 120  # longer than any upload may take; only a holder that died waits this long


@dataclass(frozen=True)
class Scope:
    """Whose key it is, and of which route."""

    owner: str
    method: str
    path: str
    key: str


@dataclass(frozen=True)
class Reservation:
    """The right to answer for a key; `token` fences a holder that was replaced."""

    scope: Scope
    token: UUID


@dataclass(frozen=True)
class Answer:
    """The first answer; the resource at `location` is rendered again at a replay."""

    status: int
    location: str


class KeyReused(Exception):
    """The key was used before with another request."""


class KeyBusy(Exception):
    """A request with this key is under way."""


class ReservationLost(Exception):
    """The request took so long that another with its key took over."""


def reserve(db: Database, scope: Scope, fingerprint: str) -> Reservation | Answer:
    """Holds the key, or gives the answer of the request that used it. Raises `KeyReused` or `KeyBusy`."""
    reservation = Reservation(scope, new_id())
    with db.transaction() as connection:
        db.lock_queue(connection, f"idempotency.{scope}")
        connection.execute(
            delete(idempotency).where(
                _is(scope),
                (idempotency.c.created_at < later(-KEPT_SECONDS))
                | and_(idempotency.c.status.is_(None), idempotency.c.held_until < now()),
            )
        )
        row = connection.execute(select(idempotency).where(_is(scope))).one_or_none()
        if row is None:
            connection.execute(
                insert(idempotency).values(
                    owner=scope.owner,
                    method=scope.method,
                    path=scope.path,
                    key=scope.key,
                    fingerprint=fingerprint,
                    token=reservation.token,
                    created_at=now(),
                    held_until=later(HELD_SECONDS),
                )
            )
            return reservation
    if row.fingerprint != fingerprint:
        raise KeyReused
    if row.status is None:
        raise KeyBusy
    return Answer(row.status, row.location)


def answer(connection: Connection, reservation: Reservation, given: Answer) -> None:
    """Keeps the answer, inside the submission's transaction. Raises `ReservationLost`."""
    kept = connection.execute(
        update(idempotency)
        .where(_is(reservation.scope), idempotency.c.token == reservation.token)
        .values(status=given.status, location=given.location)
    )
    if kept.rowcount == 0:
        raise ReservationLost


def release(db: Database, reservation: Reservation) -> None:
    """Gives the key back after a refusal: only 2xx answers are kept."""
    with db.transaction() as connection:
        connection.execute(
            delete(idempotency).where(
                _is(reservation.scope), idempotency.c.token == reservation.token, idempotency.c.status.is_(None)
            )
        )


def release_all(db: Database) -> None:
    """Embedded start: whoever held a key is dead, so that the request may be sent again at once."""
    with db.transaction() as connection:
        connection.execute(delete(idempotency).where(idempotency.c.status.is_(None)))


def _is(scope: Scope) -> ColumnElement[bool]:
    return and_(
        idempotency.c.owner == scope.owner,
        idempotency.c.method == scope.method,
        idempotency.c.path == scope.path,
        idempotency.c.key == scope.key,
    )
