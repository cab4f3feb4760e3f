"""What people look at has indexes of its own"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_UNENDED = sa.text("state IN ('waiting', 'ready', 'running')")
_FINISHED = sa.text("finished_at IS NOT NULL")
_PUT_OFF = sa.text("postponed_since IS NOT NULL")


def upgrade() -> None:
    op.create_index("ix_jobs_owner_state_newest", "jobs", ["owner", "state", "created_at", "id"])
    _on_tasks("ix_tasks_unended", ["state", "id"], _UNENDED)
    _on_tasks("ix_tasks_finished", ["finished_at", "queue", "state"], _FINISHED)
    _on_tasks("ix_tasks_put_off", ["queue", "postponed_since"], _PUT_OFF)


def _on_tasks(name: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, "tasks", columns, postgresql_where=where, sqlite_where=where)
