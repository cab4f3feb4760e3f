"""Defines the table of concurrency slots: which claim uses a resource that allows a limited number of users."""

from sqlalchemy import Column, Integer, String, Table, Uuid

from bureau.ledger.db.metadata import metadata
from bureau.ledger.db.sql_time import UtcDateTime

# It has no foreign key: a slot without its task is as free as one of an ended claim, and deleting a job locks no slot.
slots = Table(
    "slots",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("task_id", Uuid, primary_key=True),
    Column("claim_no", Integer, primary_key=True),
    Column("taken_at", UtcDateTime, nullable=False),
)
