"""The memory of workers"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("workers", sa.Column("memory_bytes", sa.BigInteger(), nullable=True))
