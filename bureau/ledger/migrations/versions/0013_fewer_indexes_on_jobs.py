"""Fewer indexes on what a submission inserts"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_EXPIRING = sa.text("state = 'open' AND expires_at IS NOT NULL")
_ENDED = sa.text("finished_at IS NOT NULL")


def upgrade() -> None:
    op.drop_index("ix_jobs_open", "jobs")  # the index of owner and state counts as well
    op.drop_index("ix_jobs_expiring", "jobs")
    op.create_index("ix_jobs_expiring", "jobs", ["expires_at"], postgresql_where=_EXPIRING, sqlite_where=_EXPIRING)
    op.drop_index("ix_jobs_ended", "jobs")
    op.create_index("ix_jobs_ended", "jobs", ["state", "finished_at"], postgresql_where=_ENDED, sqlite_where=_ENDED)
