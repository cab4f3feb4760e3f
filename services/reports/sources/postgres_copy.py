"""The `COPY` statement around a report's query: formulas neutralised and formats applied by the server, at no cost
that can be measured.

Booleans come out as `true` and `false`, as from other sources; everything else as PostgreSQL writes it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from psycopg.postgres import types

from bureau.services.reports.definition.columns import NumberFormat, TimeFormat
from bureau.services.reports.output.cells import FORMULA_STARTS
from bureau.services.reports.output.dialect import Dialect
from bureau.services.reports.sources import source_errors

_INTEGERS = frozenset(types[name].oid for name in ("int2", "int4", "int8"))
_FLOATS = frozenset(types[name].oid for name in ("float4", "float8"))
_DECIMALS = frozenset({types["numeric"].oid, *_FLOATS})
_DATE = types["date"].oid
_TIMES = frozenset(types[name].oid for name in ("timestamp", "timestamptz"))
# Types whose text never begins with what a person wrote. All others, known here or not (an enum, citext, an
# array), are taken as text: a type too many costs a comparison, a type too few lets a formula through.
_PLAIN = frozenset(
    {*_INTEGERS, *_DECIMALS, _DATE, *_TIMES}
    | {types[name].oid for name in ("money", "oid", "time", "timetz", "interval")}
    | {types[name].oid for name in ("uuid", "bytea", "json", "jsonb", "inet", "cidr")}
)
_BOOLEAN = types["bool"].oid
_CHARACTER = types["bpchar"].oid


class CopyColumn(NamedTuple):
    """A column of the query and the OID of its type."""

    name: str
    oid: int


def copy_statement(
    source: str,
    query: str,
    columns: Sequence[CopyColumn],
    dialect: Dialect,
    server_encoding: str,
    limit: int | None = None,
) -> str:
    """`query` (values bound) as `COPY … TO STDOUT`. Raises `PermanentError` for a format that a column cannot have.

    The columns get names of their own, since a query may give one name to two. `offset 0` keeps the planner from
    merging the query into the expressions around it, which would compute each text three times.
    """
    names = [f"c{number}" for number in range(len(columns))]
    writer = _Cells(source, dialect, server_encoding)
    cells = ", ".join(writer.cell(name, column) for name, column in zip(names, columns, strict=True))
    bounds = "offset 0" if limit is None else f"limit {limit} offset 0"
    inner = f"select * from (\n{query}\n) as query {bounds}"  # noqa: S608 - the report's SQL, its values bound
    return (
        f"copy (select {cells} from ({inner}) as report ({', '.join(names)}))"  # noqa: S608 - names made here
        f" to stdout with (format csv, delimiter {_literal(dialect.delimiter)}, null {_literal(dialect.null_text)})"
    )


class _Cells:
    """The expression of each cell."""

    def __init__(self, source: str, dialect: Dialect, server_encoding: str) -> None:
        self._source = source
        self._dialect = dialect
        self._encoding = server_encoding

    def cell(self, name: str, column: CopyColumn) -> str:
        described = self._dialect.columns.get(column.name)
        match described.format if described else None:
            case NumberFormat() as form:
                return self._number(name, column, form)
            case TimeFormat() as form:
                return self._time(name, column, form)
        if column.oid in _DECIMALS and self._dialect.decimal_comma:
            return _with_comma(f"{name}::text")
        if column.oid in (_DATE, *_TIMES) and self._dialect.date_format != "YYYY-MM-DD":
            clock = "" if column.oid == _DATE else f" || substr({name}::text, strpos({name}::text, ' '))"
            return _where_finite(name, f"to_char({name}, '{self._dialect.date_format}'){clock}")
        if column.oid in _PLAIN:
            return name
        return f"{name}::text" if column.oid == _BOOLEAN else self._text(name, column.oid)

    def _number(self, name: str, column: CopyColumn, form: NumberFormat) -> str:
        if column.oid not in (*_INTEGERS, *_DECIMALS):
            raise source_errors.wrong_format(self._source, column.name, "numbers")
        rounded = f"round({name}::numeric, {form.decimals})::text"
        if column.oid in _FLOATS:  # PostgreSQL before version 14 has no infinite numeric
            rounded = f"case when {name} in ('NaN', 'Infinity', '-Infinity') then {name}::text else {rounded} end"
        return _with_comma(rounded) if self._dialect.decimal_comma else rounded

    def _time(self, name: str, column: CopyColumn, form: TimeFormat) -> str:
        if column.oid not in (_DATE, *_TIMES):
            raise source_errors.wrong_format(self._source, column.name, "dates or times")
        return _where_finite(name, f"to_char({name}, '{form.text.replace('HH:MM', 'HH24:MI')}')")

    def _text(self, name: str, oid: int) -> str:
        # A cast of char(n) to text would drop its trailing blanks.
        text = f"textin(bpcharout({name}))" if oid == _CHARACTER else f"{name}::text"
        if not self._dialect.neutralise:
            return text
        return f"case when {self._is_formula(text)} then '''' || {text} else {text} end"

    def _is_formula(self, text: str) -> str:
        if self._encoding == "UTF8":
            return f"ascii({text}) in ({', '.join(str(ord(start)) for start in FORMULA_STARTS)})"
        # ascii() raises for a first character outside ASCII in EUC and the like; such databases rarely have the others.
        starts = ", ".join(f"chr({ord(start)})" for start in FORMULA_STARTS if start.isascii())
        return f"left({text}, 1) in ({starts})"


def _with_comma(text: str) -> str:
    return f"replace({text}, '.', ',')"


def _where_finite(name: str, shown: str) -> str:
    """to_char() knows neither infinity nor years before 1."""
    return f"case when isfinite({name}) and {name} >= '0001-01-01' then {shown} else {name}::text end"


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("\t", "\\t")
    return f"E'{escaped}'"
