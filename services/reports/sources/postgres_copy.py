"""Builds the `COPY` statement around a report's query.

The server neutralises formulas and applies formats. Booleans are written as `true` and `false`, as by other sources;
all other types as PostgreSQL writes them.
"""

from collections.abc import Sequence
from typing import NamedTuple

from psycopg.postgres import types

from bureau.formulas import DROPPED, FORMULA_STARTS
from bureau.services.reports.definition.columns import NumberFormat, TimeFormat
from bureau.services.reports.output.dialect import Dialect
from bureau.services.reports.sources import source_errors

_INTEGERS = frozenset(types[name].oid for name in ("int2", "int4", "int8"))
_FLOATS = frozenset(types[name].oid for name in ("float4", "float8"))
_DECIMALS = frozenset({types["numeric"].oid, *_FLOATS})
_DATE = types["date"].oid
_TIMES = frozenset(types[name].oid for name in ("timestamp", "timestamptz"))
# Types whose text never begins with what a person wrote. All others, known here or not (an enum, citext, an array),
# are handled as text: one type too many costs a comparison, but one too few lets a formula through.
_PLAIN = frozenset(
    {*_INTEGERS, *_DECIMALS, _DATE, *_TIMES}
    | {types[name].oid for name in ("money", "oid", "time", "timetz", "interval")}
    | {types[name].oid for name in ("uuid", "bytea", "json", "jsonb", "inet", "cidr")}
)
_BOOLEAN = types["bool"].oid
_CHARACTER = types["bpchar"].oid


class CopyColumn(NamedTuple):
    """Holds a column of the query and the OID of its type."""

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
    """Returns `query` (values bound) as `COPY … TO STDOUT`.

    Raises `PermanentError` (`report_query_invalid`) for a format that a column's type cannot have. The columns get new
    names, because a query may use one name twice. `offset 0` prevents the planner from merging the query into the
    expressions around it, which would compute each text three times.
    """
    names = [f"c{number}" for number in range(len(columns))]
    writer = _Cells(source, dialect, server_encoding)
    cells = ", ".join(writer.cell(name, column) for name, column in zip(names, columns, strict=True))
    bounds = "offset 0" if limit is None else f"limit {limit} offset 0"
    inner = f"select * from (\n{query}\n) as query {bounds}"  # noqa: S608 - the report's SQL, its values bound
    return (
        f"copy (select {cells} from ({inner}) as report ({', '.join(names)}))"  # noqa: S608 - the names are made here
        f" to stdout with (format csv, delimiter {_literal(dialect.delimiter)}, null {_literal(dialect.null_text)})"
    )


class _Cells:
    """Builds the SQL expression of each cell."""

    def __init__(self, source: str, dialect: Dialect, server_encoding: str) -> None:
        self._source = source
        self._dialect = dialect
        self._encoding = server_encoding

    def cell(self, name: str, column: CopyColumn) -> str:
        column_format = self._dialect.columns.get(column.name)
        match column_format.format if column_format else None:
            case NumberFormat() as format:
                return self._number(name, column, format)
            case TimeFormat() as format:
                return self._time(name, column, format)
        if column.oid in _DECIMALS and self._dialect.decimal_comma:
            return _with_comma(f"{name}::text")
        if column.oid in (_DATE, *_TIMES) and self._dialect.date_format != "YYYY-MM-DD":
            clock = "" if column.oid == _DATE else f" || substr({name}::text, strpos({name}::text, ' '))"
            return _where_finite(name, f"to_char({name}, '{self._dialect.date_format}'){clock}")
        if column.oid in _PLAIN:
            return name
        return f"{name}::text" if column.oid == _BOOLEAN else self._text(name, column.oid)

    def _number(self, name: str, column: CopyColumn, format: NumberFormat) -> str:
        if column.oid not in (*_INTEGERS, *_DECIMALS):
            raise source_errors.wrong_format(self._source, column.name, "numbers")
        rounded = f"round({name}::numeric, {format.decimals})::text"
        if column.oid in _FLOATS:  # PostgreSQL before version 14 has no infinite numeric
            rounded = f"case when {name} in ('NaN', 'Infinity', '-Infinity') then {name}::text else {rounded} end"
        return _with_comma(rounded) if self._dialect.decimal_comma else rounded

    def _time(self, name: str, column: CopyColumn, format: TimeFormat) -> str:
        if column.oid not in (_DATE, *_TIMES):
            raise source_errors.wrong_format(self._source, column.name, "dates or times")
        return _where_finite(name, f"to_char({name}, '{format.text.replace('HH:MM', 'HH24:MI')}')")

    def _text(self, name: str, oid: int) -> str:
        # A cast of char(n) to text would drop its trailing blanks.
        text = f"textin(bpcharout({name}))" if oid == _CHARACTER else f"{name}::text"
        if not self._dialect.neutralise:
            return text
        checked = f"case when {self._is_formula(text)} then '''' || {text} else {text} end"
        if self._encoding != "UTF8":
            return checked
        # Most texts begin with an ASCII letter or digit. Two divisions find those; the lists take three times as long.
        return (
            f"case (ascii({text}) + 59) / 62 when 2 then {text}"  # 65 to 126: A to ~
            f" when 1 then case (ascii({text}) - 1) / 15 when 3 then {text} else {checked} end"  # 46 to 60: . to <
            f" else {checked} end"
        )

    def _is_formula(self, text: str) -> str:
        if self._encoding == "UTF8":
            behind = f"ascii(ltrim({text}, {_DROPPED}))"
            return (
                f"(ascii({text}) in ({_STARTS}) or (ascii({text}) in ({_DROPPED_CODES}) and {behind} in ({_STARTS})))"
            )
        # In encodings such as EUC ascii() raises for characters outside ASCII; full-width forms are rare there.
        starts = ", ".join(f"chr({ord(start)})" for start in FORMULA_STARTS if start.isascii())
        blanks = "".join(character for character in _BLANKS if character.isascii())
        return f"(left({text}, 1) in ({starts}) or left(ltrim({text}, {_characters(blanks)}), 1) in ({starts}))"


def _characters(text: str) -> str:
    """Returns an SQL literal with the characters escaped, because most of them are invisible."""
    return "E'" + "".join(f"\\u{ord(character):04x}" for character in text) + "'"


_BLANKS = DROPPED.replace("\0", "")  # PostgreSQL has no NUL in texts
_STARTS = ", ".join(str(ord(start)) for start in FORMULA_STARTS)
_DROPPED = _characters(_BLANKS)
_DROPPED_CODES = ", ".join(str(ord(character)) for character in _BLANKS)


def _with_comma(text: str) -> str:
    return f"replace({text}, '.', ',')"


def _where_finite(name: str, shown: str) -> str:
    """Formats only finite times from year 1 on, because to_char() cannot format others."""
    return f"case when isfinite({name}) and {name} >= '0001-01-01' then {shown} else {name}::text end"


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("\t", "\\t")
    return f"E'{escaped}'"
