"""Defines the tables of schedules."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    Uuid,
    text,
)

from bureau.ledger.db.metadata import Json, metadata
from bureau.ledger.db.sql_time import UtcDateTime

_COMING = text("next_at IS NOT NULL")

schedules = Table(
    "schedules",
    metadata,
    Column("owner", String(100), nullable=False),
    Column("name", String(100), nullable=False),
    Column("cron", String(200)),  # either this or every_seconds
    Column("every_seconds", Integer),
    Column("time_zone", String(64), nullable=False),
    Column("job", Json, nullable=False),  # in the form of POST /v1/jobs, or {"report": …}, {"email": …}, …
    Column("enabled", Boolean, nullable=False),
    Column("misfire", String(8), nullable=False),
    Column("source", String(8), nullable=False),  # who may change it: api or file
    Column("next_at", UtcDateTime),  # the tick of the next job; NULL: no tick follows
    Column("last_job_id", Uuid),  # the job may be deleted
    Column("problem", Text),  # why the last tick has no job
    Column("problem_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("owner", "name"),
    Index("ix_schedules_next", "next_at", postgresql_where=_COMING, sqlite_where=_COMING),
)

# References of schedules to artifacts: a referenced artifact is kept while the schedule exists.
schedule_uses = Table(
    "schedule_uses",
    metadata,
    Column("owner", String(100), nullable=False),
    Column("name", String(100), nullable=False),
    Column("artifact_id", Uuid, ForeignKey("artifacts.id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("owner", "name", "artifact_id"),
    ForeignKeyConstraint(
        ["owner", "name"], ["schedules.owner", "schedules.name"], ondelete="CASCADE", name="fk_schedule_uses_schedule"
    ),
    Index("ix_schedule_uses_artifact_id", "artifact_id"),
)
