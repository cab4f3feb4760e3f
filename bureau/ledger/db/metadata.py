"""Defines what all tables share: the MetaData, the names of constraints, the JSON type."""

from sqlalchemy import JSON, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# none_as_null: a column without a value is SQL NULL, never JSON `null`.
Json = JSON(none_as_null=True)
