"""Defines the table of issued certificates. Rows outlive jobs and files: a QR code may be scanned in twenty years."""

from sqlalchemy import Column, Index, String, Table, Text, Uuid

from bureau.ledger.db.metadata import metadata
from bureau.ledger.db.sql_time import UtcDateTime

# The table holds no names: the signed link of a certificate carries the name.
certificates = Table(
    "certificates",
    metadata,
    Column("serial", String(64), primary_key=True),
    Column("owner", String(100), nullable=False),
    Column("job_id", Uuid, nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("revoked_for", Text),
    Index("ix_certificates_job_id", "job_id"),
)
