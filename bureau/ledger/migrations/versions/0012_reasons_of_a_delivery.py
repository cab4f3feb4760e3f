"""Deliveries keep a provider's reasons by recipient

Rows from before have the reasons in `response`, a line for each recipient; it is shown as it is.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("reasons", sa.JSON(none_as_null=True), nullable=True))
