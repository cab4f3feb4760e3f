"""Schedules and retention"""

import sqlalchemy as sa
from alembic import op

from bureau.ledger.db.sql_time import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "schedules",
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("cron", sa.String(length=200), nullable=True),
        sa.Column("every_seconds", sa.Integer(), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("job", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("misfire", sa.String(length=8), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("last_job_id", sa.Uuid(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("problem_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "name", name=op.f("pk_schedules")),
    )
    _partial_index("ix_schedules_next", "schedules", ["next_at"], "next_at IS NOT NULL")
    op.create_table(
        "schedule_uses",
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("artifact_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifacts.id"], name=op.f("fk_schedule_uses_artifact_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["owner", "name"],
            ["schedules.owner", "schedules.name"],
            name="fk_schedule_uses_schedule",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("owner", "name", "artifact_id", name=op.f("pk_schedule_uses")),
    )
    op.create_index("ix_schedule_uses_artifact_id", "schedule_uses", ["artifact_id"])
    op.create_index("ix_jobs_ended", "jobs", ["state", "finished_at"])
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"])
    op.create_index("ix_artifacts_key", "artifacts", ["key"])
    _partial_index("ix_artifacts_undecided", "artifacts", ["job_id"], "removed_at IS NULL AND expires_at IS NULL")
    _partial_index("ix_artifacts_expiring", "artifacts", ["expires_at"], "removed_at IS NULL")
    _partial_index("ix_artifacts_deleted", "artifacts", ["deleted_at"], "deleted_at IS NOT NULL")


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))
