"""Defines the tables of keys, rate limits, shared secrets and the audit log. The workers' role cannot read them."""

from sqlalchemy import Column, Float, Index, Integer, String, Table, Text, Uuid

from bureau.ledger.db.metadata import Json, metadata
from bureau.ledger.db.sql_time import UtcDateTime

keys = Table(
    "keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("owner", String(100), nullable=False),
    Column("role", String(16), nullable=False),
    Column("label", Text, nullable=False),
    Column("sha256", String(64), nullable=False),  # the hash of the secret, which is not stored
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("used_at", UtcDateTime),  # rounded to the minute
)

# A token bucket for each key, also for keys in a file; a key without a row has a full bucket.
rate_limits = Table(
    "rate_limits",
    metadata,
    Column("key_id", String(16), primary_key=True),
    Column("full_at", Float, nullable=False),  # seconds since 1970: when the bucket is full again
)

# Sessions that ended by a logout, until their cookies expire.
ended_sessions = Table(
    "ended_sessions",
    metadata,
    Column("session", String(64), primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_ended_sessions_expires_at", "expires_at"),
)

# Secrets that gateways generate and share.
secrets = Table(
    "secrets",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(100), nullable=False),  # `key <id>`, `local` or `command`
    Column("owner", String(100), nullable=False),  # the owner of what was changed
    Column("act", String(40), nullable=False),
    Column("target", String(255)),  # the thing that was changed, if it was one
    Column("count", Integer),  # how many were changed; NULL while it runs, and forever if its process died
    Column("request_id", String(64)),
    Column("detail", Json),
    Index("ix_audit_at", "at"),
)

# Database roles of applications that may call `bureau.submit`, and whose jobs they submit.
application_roles = Table(
    "application_roles",
    metadata,
    Column("role", String(63), primary_key=True),
    Column("owner", String(100), nullable=False),
)
