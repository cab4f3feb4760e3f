"""Attempts keep the traceback of what their task raised"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("attempts", sa.Column("traceback", sa.Text(), nullable=True))
