"""Slots of what few may use at a time"""

import sqlalchemy as sa
from alembic import op

from bureau.ledger.db.sql_time import UtcDateTime

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "slots",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("claim_no", sa.Integer(), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", "task_id", "claim_no", name=op.f("pk_slots")),
    )
