"""Defines tables of dispatching: the catalogs of deployments, and the concurrency slots that claims use."""

from sqlalchemy import Column, Integer, String, Table, Uuid

from bureau.ledger.db.metadata import Json, metadata
from bureau.ledger.db.sql_time import UtcDateTime

# What `bureau announce` said of a queue. It counts without a worker, until it is replaced or withdrawn.
deployed_catalogs = Table(
    "deployed_catalogs",
    metadata,
    Column("queue", String(40), primary_key=True),
    Column("catalog", Json, nullable=False),
    Column("announced_at", UtcDateTime, nullable=False),
)

# Which claim uses a resource that allows a limited number of users.
# It has no foreign key: a slot without its task is as free as one of an ended claim, and deleting a job locks no slot.
slots = Table(
    "slots",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("task_id", Uuid, primary_key=True),
    Column("claim_no", Integer, primary_key=True),
    Column("taken_at", UtcDateTime, nullable=False),
)
