"""What workers cannot use; nothing is read from the tasks that wait for it any more"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("workers", sa.Column("trouble", sa.JSON(none_as_null=True), nullable=True))
    op.drop_index("ix_tasks_put_off", "tasks")
