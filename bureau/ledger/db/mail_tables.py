"""Defines the tables of the events that providers report about mails, and of suppressed addresses."""

from sqlalchemy import Column, ForeignKey, Integer, PrimaryKeyConstraint, String, Table, Text, Uuid

from bureau.ledger.db.metadata import metadata
from bureau.ledger.db.sql_time import UtcDateTime

# Provider events, each once.
mail_events = Table(
    "mail_events",
    metadata,
    Column("id", String(100), primary_key=True),  # the provider's id
    Column("task_id", Uuid, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("n", Integer, nullable=False),  # the number of the delivery attempt
    Column("recipient", String(320), nullable=False),  # folded
    Column("kind", String(16), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("reason", Text),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("owner", String(100), nullable=False),
    Column("address", String(320), nullable=False),  # folded
    Column("reason", String(16), nullable=False),
    Column("detail", Text),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("owner", "address"),
)
