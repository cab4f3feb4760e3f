"""Passes many rows to one statement as a JSON document.

With `executemany` each row is a statement of its own: a message to the database, its parameters, an answer. For a group
of tasks that end together, that took two fifths of the time.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    String,
    Text,
    and_,
    bindparam,
    literal_column,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import Function
from sqlalchemy.types import TypeEngine

from bureau.ledger.db.database import Database
from bureau.ledger.db.prepared import Prepared, one_of

ROWS_AT_MOST = 1000  # in one document: a thousand of the longest log lines, in letters that JSON escapes, are 14 MB
_PARAMETER, _KEYS = "given_rows", "given_keys"


class JsonRows:
    """Provides the rows of INSERT ... SELECT and UPDATE ... FROM: `rows["name"]` is their column of that name.

    The columns and their types are declared once, at import; `execute` passes the rows. The first column may be the id
    of the rows that are changed: see `matches`.
    """

    def __init__(self, **types: TypeEngine[Any]) -> None:
        self._key = next(iter(types))
        self._types = types
        self._dumps: dict[str, Mapping[str, Callable[[Any], Any]]] = {}  # by dialect
        self._prepared: dict[Executable, Prepared] = {}
        each = _Each("each", bindparam(_PARAMETER, type_=String(), required=True))
        self.rows = each.table_valued("value", name="given")
        self._value = self.rows.c.value

    def __getitem__(self, name: str) -> ColumnElement[Any]:
        return _Field("field", self._value, literal_column(f"'{name}'"), type_=self._types[name])

    def matches(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """Returns the condition that `column` is a row's id, which is the first of the columns.

        The ids are also a parameter of their own. PostgreSQL estimates the document at a hundred rows, whatever it
        holds: its cached plan would read a whole small table for them, and still do so when the table is large.
        """
        return and_(column == self[self._key], self.matches_any(column))

    def matches_any(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """Returns the condition that `column` is the id of any row."""
        return one_of(column, _KEYS)

    def execute(self, connection: Connection, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Executes the statement over `rows`; each row has a value, or None, for every column.

        `statement` must be a constant of its module, because it is kept.
        """
        for start in range(0, len(rows), ROWS_AT_MOST):
            self.query(connection, statement, rows[start : start + ROWS_AT_MOST])

    def query(
        self, connection: Connection, statement: Executable, rows: Sequence[Mapping[str, Any]], **more: Any
    ) -> list[Any]:
        """Executes one statement as `execute` does and returns its rows; `more` are its other parameters."""
        return self._statement(statement).execute(connection, {**self._given(connection.dialect, rows), **more})

    def commit(self, db: Database, statement: Executable, rows: Sequence[Mapping[str, Any]], **more: Any) -> list[Any]:
        """Executes one statement as `query` does, as a transaction of its own. Raises `LedgerUnavailable`."""
        return self._statement(statement).commit(db, {**self._given(db.engine.dialect, rows), **more})

    def _statement(self, statement: Executable) -> Prepared:
        return self._prepared.get(statement) or self._prepared.setdefault(statement, Prepared(statement))

    def _given(self, dialect: Dialect, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        dumps = self._dumps_of(dialect)
        document = [{name: dump(row[name]) for name, dump in dumps.items()} for row in rows]
        return {_PARAMETER: json.dumps(document, default=str), _KEYS: [row[self._key] for row in rows]}

    def _dumps_of(self, dialect: Dialect) -> Mapping[str, Callable[[Any], Any]]:
        found = self._dumps.get(dialect.name)
        if found is None:
            found = self._dumps[dialect.name] = {name: _dump(kind, dialect) for name, kind in self._types.items()}
        return found


class _Each(Function[Any]):
    """Returns the document's elements as rows with one column, `value`."""

    inherit_cache = True


class _Field(Function[Any]):
    """Returns a field of an element as a value of its column's type; null becomes NULL."""

    inherit_cache = True


def _dump(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any]:
    """Converts a value to its form in the document, as the column takes it.

    A JSON value is passed as text within it, because SQLite would turn JSON into numbers and truth values.
    """
    if isinstance(kind, JSON):
        return lambda value: None if value is None else json.dumps(value)
    processor: Callable[[Any], Any] = kind.dialect_impl(dialect).bind_processor(dialect) or (lambda value: value)
    return (lambda value: _text(processor(value))) if isinstance(kind, String) else processor


def _text(value: str | None) -> str | None:
    """Returns the text. Raises ValueError if SQLite would cut it at a NUL or store an unreadable lone surrogate."""
    if value is not None and "\0" in value:
        raise ValueError(f"a text with NUL cannot be stored: {value!r:.100}")
    if value is not None:
        value.encode()
    return value


@compiles(_Each, "postgresql")
def _each_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"jsonb_array_elements(CAST({compiler.process(element.clauses, **kw)} AS jsonb))"


@compiles(_Each, "sqlite")
def _each_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(_Field, "postgresql")
def _field_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    value, name = (compiler.process(clause, **kw) for clause in element.clauses)
    # Without a length: a CAST would cut longer text silently, while the column refuses it.
    kind = Text() if isinstance(element.type, String) else element.type
    return f"CAST({value} ->> {name} AS {compiler.dialect.type_compiler_instance.process(kind)})"


@compiles(_Field, "sqlite")
def _field_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    value, name = (compiler.process(clause, **kw) for clause in element.clauses)
    field = f"json_extract({value}, '$.' || {name})"
    if not isinstance(element.type, JSON):
        return field
    # Only a number begins like this. It is kept as bytes: see `sqlite_json`.
    return f"CASE WHEN {field} GLOB '[-0-9]*' THEN CAST({field} AS BLOB) ELSE {field} END"
