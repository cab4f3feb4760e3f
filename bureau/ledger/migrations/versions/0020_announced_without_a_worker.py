"""Queues are announced by a deployment, without a worker; `bureau.submit` knows what was announced so"""

import sqlalchemy as sa
from alembic import op

from bureau.ledger.submissions.in_sql.grants import refresh

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "deployed_catalogs",
        sa.Column("queue", sa.String(40), nullable=False),
        sa.Column("catalog", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("queue", name="pk_deployed_catalogs"),
    )
    refresh(op.get_bind())
