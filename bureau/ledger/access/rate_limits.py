"""Enforces rate limits with a token bucket for each key. It is in the ledger, so that all gateways count together."""

from dataclasses import dataclass
from datetime import UTC, datetime
from math import floor

from sqlalchemy import ColumnElement, Connection, literal, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import UtcDateTime, age
from bureau.ledger.db.tables import rate_limits

SLACK = 1e-4  # of a token: times are binary fractions


@dataclass(frozen=True)
class Rate:
    """Describes a token bucket of `units` tokens, refilled evenly within `seconds`."""

    units: int
    seconds: float = 60.0

    @property
    def step(self) -> float:
        """Returns the seconds in which one token is refilled."""
        return self.seconds / self.units


@dataclass(frozen=True)
class RateLimitResult:
    """Says whether a token was available, how many are left, and the seconds until there is one more."""

    allowed: bool
    left: int
    wait_seconds: float


def take_token(full_at: float | None, at: float, rate: Rate) -> tuple[RateLimitResult, float]:
    """Takes a token at the time `at` if there is one. It is a pure function.

    `full_at` is the time at which the bucket is full again; None means that it is full. Returns the new one, too.
    """
    step = rate.step
    begins = max(at if full_at is None else full_at, at)
    units = rate.units - (begins - at) / step + SLACK
    if units < 1:
        return RateLimitResult(False, 0, (1 - units) * step), begins
    left = units - 1
    return RateLimitResult(True, floor(left), (1 - left + floor(left)) * step), begins + step


def after_taking(full_at: float, at: float, rate: Rate) -> RateLimitResult:
    """Returns what is left at the time `at` of a bucket that is full again at `full_at`. It is a pure function."""
    step = rate.step
    left = max(rate.units - (full_at - at) / step + SLACK, 0.0)
    return RateLimitResult(True, floor(left), (1 - left + floor(left)) * step)


def clock() -> ColumnElement[float]:
    """Returns the seconds since 1970, as `full_at` counts them."""
    return age(literal(datetime(1970, 1, 1, tzinfo=UTC), UtcDateTime()))


def take(db: Database, key_id: str, rate: Rate) -> RateLimitResult:
    """Takes a token from the key's bucket if there is one."""
    with db.transaction() as connection:
        if not db.is_sqlite:  # losing a count in a crash is harmless: do not wait for the disk
            connection.execute(text("SET LOCAL synchronous_commit TO off"))
        return take_within(connection, key_id, rate)


def take_within(connection: Connection, key_id: str, rate: Rate) -> RateLimitResult:
    """Does the same as `take` inside the caller's transaction, which locks the bucket's row until it ends."""
    bucket = select(rate_limits.c.full_at, clock().label("at")).where(rate_limits.c.key_id == key_id).with_for_update()
    row = connection.execute(bucket).one_or_none()
    if row is None:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        connection.execute(insert(rate_limits).values(key_id=key_id, full_at=0.0).on_conflict_do_nothing())
        row = connection.execute(bucket).one()
    result, full_at = take_token(row.full_at, row.at, rate)
    if result.allowed:
        connection.execute(update(rate_limits).where(rate_limits.c.key_id == key_id).values(full_at=full_at))
    return result
