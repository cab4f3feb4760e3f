"""Applications submit jobs in their own transactions, under their own database roles

`jobs.submitted_by` names the role; it is NULL for jobs that came through the gateway, which checked their inputs.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "application_roles",
        sa.Column("role", sa.String(63), nullable=False),
        sa.Column("owner", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("role", name="pk_application_roles"),
    )
    op.add_column("jobs", sa.Column("submitted_by", sa.String(63), nullable=True))
