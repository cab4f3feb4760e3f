"""Sessions that ended by a logout"""

import sqlalchemy as sa
from alembic import op

from bureau.ledger.db.sql_time import UtcDateTime

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "ended_sessions",
        sa.Column("session", sa.String(length=64), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("session", name=op.f("pk_ended_sessions")),
    )
    op.create_index("ix_ended_sessions_expires_at", "ended_sessions", ["expires_at"])
