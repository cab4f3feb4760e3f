"""Defines the outbox's table for SQLAlchemy; the application makes it with its other tables, or by a migration."""

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, MetaData, String, Table, Text, Uuid


def outbox_table(metadata: MetaData, name: str = "bureau_outbox") -> Table:
    """Adds the table to an application's metadata. Times are milliseconds since 1970, alike in all databases."""
    table = Table(
        name,
        metadata,
        Column("id", Uuid, primary_key=True),  # the job's, so a second send makes no second job
        Column("path", String(100), nullable=False),
        Column("body", JSON, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("next_try_at", BigInteger, nullable=False),
        Column("trouble", Text, nullable=False),  # why the last send failed
        Column("refused_at", BigInteger),  # set if the gateway will never accept it
    )
    Index(f"ix_{name}_due", table.c.refused_at, table.c.next_try_at)
    return table
