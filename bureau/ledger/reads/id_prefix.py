"""Finds jobs by the first letters of their ids."""

from uuid import UUID

from sqlalchemy import select

from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import jobs

LEAST = 4  # letters; fewer would match too many jobs


def beginning_with(db: Database, owner: str, letters: str, *, limit: int) -> list[UUID]:
    """Returns the owner's jobs whose ids begin with these hexadecimal digits, without hyphens; none for other text."""
    digits = letters.replace("-", "").lower()
    if not LEAST <= len(digits) <= 32 or set(digits) - set("0123456789abcdef"):
        return []
    least, most = UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
    query = select(jobs.c.id).where(jobs.c.id.between(least, most), jobs.c.owner == owner)
    with db.read() as connection:
        return list(connection.execute(query.order_by(jobs.c.id.desc()).limit(limit)).scalars())
