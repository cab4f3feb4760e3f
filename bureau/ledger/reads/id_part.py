"""Finds jobs by a part of their ids.

Ids begin with their time (UUID version 7), so those of weeks begin alike, and people name a job by another part. No
index finds the middle or the end of an id, and one more index would add to the cost of each submission. So a part is
looked up among an owner's newest jobs, or the newest before a time that people name. Only a part with the whole time
of an id finds all, by the primary key.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import String, cast, func, select

from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import jobs

LEAST = 4  # digits; fewer would match too many jobs
TIME_DIGITS = 12  # of an id: the millisecond of its making, in which few jobs are made
AMONG = 100_000  # the owner's newest jobs
_HEXADECIMAL = frozenset("0123456789abcdef")


def digits_of(text: str) -> str | None:
    """Returns the digits of a part of an id without its hyphens; None for a text that cannot be one."""
    digits = text.strip().replace("-", "").lower()
    return digits if LEAST <= len(digits) <= 32 and _HEXADECIMAL.issuperset(digits) else None


def jobs_with(db: Database, owner: str, text: str, *, limit: int, created_before: datetime | None = None) -> list[UUID]:
    """Returns the owner's jobs whose ids contain `text`, the newest first; none for a text that is no part of an id.

    With `created_before` it looks through as many jobs from that time on backwards.
    """
    digits = digits_of(text)
    if digits is None:
        return []
    mine = select(jobs.c.id, jobs.c.created_at).where(jobs.c.owner == owner)
    if created_before is not None:
        mine = mine.where(jobs.c.created_at < created_before)
    newest = mine.order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(AMONG).subquery()
    found = func.replace(cast(newest.c.id, String), "-", "").contains(digits)
    query = select(newest.c.id).where(found).order_by(newest.c.created_at.desc(), newest.c.id.desc()).limit(limit)
    with db.read() as connection:
        if len(digits) >= TIME_DIGITS:
            least, most = UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
            beginning = select(jobs.c.id).where(jobs.c.id.between(least, most), jobs.c.owner == owner)
            if by_time := list(connection.execute(beginning.order_by(jobs.c.id.desc()).limit(limit)).scalars()):
                return by_time
        return list(connection.execute(query).scalars())
