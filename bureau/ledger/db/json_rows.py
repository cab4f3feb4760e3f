"""Rows that a statement takes as one JSON document.

With `executemany` each row is a statement of its own: a message to the database, its parameters, an answer. For what a
group of tasks that end together writes, that was two fifths of the time.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, Dialect, Executable, String, Text, bindparam, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import Function
from sqlalchemy.types import TypeEngine

ROWS_AT_MOST = 1000  # a document: a thousand of the longest log lines, in letters that JSON escapes, are 14 MB
_PARAMETER = "given_rows"


class JsonRows:
    """A source of rows for INSERT ... SELECT and UPDATE ... FROM: `given["name"]` is their column of that name.

    It is said once, at import, which columns there are and of which types; the rows come with `execute`.
    """

    def __init__(self, **types: TypeEngine[Any]) -> None:
        self._types = types
        each = _Each("each", bindparam(_PARAMETER, type_=String()))
        self._value = each.table_valued("value", name="given").c.value

    def __getitem__(self, name: str) -> ColumnElement[Any]:
        return _Field("field", self._value, literal_column(f"'{name}'"), type_=self._types[name])

    def execute(self, connection: Connection, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Each row has a value, or None, for every column."""
        dumps = {name: _dump(kind, connection.dialect) for name, kind in self._types.items()}
        for start in range(0, len(rows), ROWS_AT_MOST):
            some = rows[start : start + ROWS_AT_MOST]
            document = [{name: dump(row[name]) for name, dump in dumps.items()} for row in some]
            connection.execute(statement, {_PARAMETER: json.dumps(document, default=str)})


class _Each(Function[Any]):
    """A row, with the column `value`, for each element of the document."""

    inherit_cache = True


class _Field(Function[Any]):
    """An element's field as a value of its column's type, NULL for null."""

    inherit_cache = True


def _dump(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any]:
    """What a value looks like in the document: as the column takes it. JSON goes as text within it: SQLite would make
    numbers and truth values of what is to stay JSON."""
    if isinstance(kind, JSON):
        return lambda value: None if value is None else json.dumps(value)
    processor: Callable[[Any], Any] = kind.dialect_impl(dialect).bind_processor(dialect) or (lambda value: value)
    return (lambda value: _text(processor(value))) if isinstance(kind, String) else processor


def _text(value: str | None) -> str | None:
    """Raises ValueError where SQLite would cut it at a NUL, or keep a lone surrogate that nobody can read again."""
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
    # Without a length, which a CAST would cut to: the column refuses what is longer.
    kind = Text() if isinstance(element.type, String) else element.type
    return f"CAST({value} ->> {name} AS {compiler.dialect.type_compiler_instance.process(kind)})"


@compiles(_Field, "sqlite")
def _field_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    value, name = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"json_extract({value}, '$.' || {name})"
