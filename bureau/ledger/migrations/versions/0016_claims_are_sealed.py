"""A claim is sealed: the row holds a hash of the token with which it must be ended

Rows that were claimed before have no seal, and older versions end them, and their own claims, without a token.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("tasks", sa.Column("claim_seal", sa.Uuid(), nullable=True))
