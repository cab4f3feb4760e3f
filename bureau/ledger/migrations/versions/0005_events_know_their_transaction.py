"""Events know their transaction"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("events", sa.Column("tx", sa.BigInteger(), nullable=True))
    op.create_index("ix_events_tx", "events", ["tx"])
