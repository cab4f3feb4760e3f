"""Defines what all tables share: the MetaData, the names of constraints, the JSON type."""

import json
from typing import Any

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


def sqlite_json(value: Any) -> str | bytes:
    """Returns a JSON value as SQLite keeps it: a number that stands alone as bytes, anything else as text.

    A column of the type JSON has numeric affinity in SQLite: it makes a number of a text that is one. That would lose
    the last digit of some floats and of long integers, and make `1.0` an integer. Bytes stay as they are.
    """
    text = json.dumps(value)
    return text.encode() if isinstance(value, int | float) and not isinstance(value, bool) else text
