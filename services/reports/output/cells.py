"""Writes cells and lines of CSV (RFC 4180) for all sources; PostgreSQL's `COPY` writes the same by itself.

| value | in the file |
| --- | --- |
| NULL | nothing, or the null text; without a null text an empty text is `""`, so that the two differ |
| text | quoted if it contains the delimiter, a quote or a line end; neutralised if it begins like a formula |
| number | digits without a thousands separator; `NaN`, `Infinity`, `-Infinity` |
| boolean | `true`, `false` |
| date, time | ISO 8601, with a blank between date and time, and with the offset if the source has one |
| duration | `-26:30:00`: hours, minutes, seconds |
| bytes | `\\x` and hexadecimal digits |
| list, object | JSON |
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from bureau.formulas import is_formula
from bureau.services.reports.definition.columns import NumberFormat, TimeFormat, write_day
from bureau.services.reports.output.dialect import Dialect

_ISO_DAY = "YYYY-MM-DD"
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}.*)?", re.ASCII)  # the form in which SQLite stores dates
Write = Callable[[Any], str]


class LineWriter:
    """Writes lines of CSV in one dialect. `columns` are the query's column names; some may have formats."""

    def __init__(self, dialect: Dialect, columns: Sequence[str] = ()) -> None:
        self._dialect = dialect
        # A line with only `\.` ends the data for PostgreSQL's COPY FROM before version 17.
        self._needs_quotes = re.compile(rf'["\r\n{re.escape(dialect.delimiter)}]|\A\\\.\Z').search
        self._empty = "" if dialect.null_text else '""'
        self._writers: dict[type, Write] = {
            str: self.text,
            int: str,
            float: lambda number: self._number(_float(number)),
            bool: lambda flag: "true" if flag else "false",
            type(None): lambda _: dialect.null_text,
            Decimal: lambda number: self._number(_decimal(number)),
            datetime: self._datetime,
            date: self._date,
            time: time.isoformat,
            timedelta: _write_duration,
            bytes: _hex,
            bytearray: _hex,
            memoryview: _hex,
            dict: self._json,
            list: self._json,
        }
        self._formats = [self._column_writer(name) for name in columns]
        self._formatted = any(self._formats)

    def line(self, cells: Iterable[Any]) -> str:
        """Returns the cells joined, without a line end."""
        writers, other = self._writers, self._other
        if not self._formatted:
            return self._dialect.delimiter.join([writers.get(type(cell), other)(cell) for cell in cells])
        return self._dialect.delimiter.join(
            [
                (format and format(cell)) or writers.get(type(cell), other)(cell)
                for format, cell in zip(self._formats, cells, strict=True)
            ]
        )

    def text(self, text: str) -> str:
        if not text:
            return self._empty
        if self._dialect.neutralise and is_formula(text):
            text = f"'{text}"
        if self._needs_quotes(text) or text == self._dialect.null_text:
            return '"' + text.replace('"', '""') + '"'
        return text

    def _column_writer(self, name: str) -> Callable[[Any], str | None] | None:
        """Returns the writer of a column with a format, else None. The writer returns None for other types of value."""
        column = self._dialect.columns.get(name)
        match column.format if column else None:
            case NumberFormat() as number:
                return lambda cell: self._write_number(number, cell)
            case TimeFormat() as moment:
                return lambda cell: self._write_time(moment, cell)
            case _:
                return None

    def _write_number(self, format: NumberFormat, cell: Any) -> str | None:
        if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal):
            return None
        written = format.write(cell)
        return None if written is None else self._number(written)

    def _write_time(self, format: TimeFormat, cell: Any) -> str | None:
        moment = _parse_date(cell) if isinstance(cell, str) else cell
        return format.write(self._in_zone(moment)) if isinstance(moment, date) else None

    def _number(self, digits: str) -> str:
        if self._dialect.decimal_comma and "." in digits:
            digits = digits.replace(".", ",")
            return f'"{digits}"' if self._dialect.delimiter == "," else digits
        return digits

    def _date(self, day: date) -> str:
        return day.isoformat() if self._dialect.date_format == _ISO_DAY else write_day(self._dialect.date_format, day)

    def _datetime(self, moment: datetime) -> str:
        shown: datetime = self._in_zone(moment)
        if self._dialect.date_format == _ISO_DAY:
            return shown.isoformat(" ")
        return write_day(self._dialect.date_format, shown) + shown.isoformat(" ")[10:]

    def _in_zone(self, moment: Any) -> Any:
        zone = self._dialect.zone
        aware = zone is not None and isinstance(moment, datetime) and moment.tzinfo is not None
        return moment.astimezone(zone) if aware else moment

    def _json(self, value: Any) -> str:
        return self.text(json.dumps(value, ensure_ascii=False, default=str))

    def _other(self, value: Any) -> str:
        """Writes a driver's own type (UUID, an enum) as text, because its content cannot be trusted."""
        return self.text(str(value))


def _parse_date(text: str) -> date | None:
    if not _ISO.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _float(number: float) -> str:
    if math.isfinite(number):
        return repr(number)
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _decimal(number: Decimal) -> str:
    return format(number, "f") if number.is_finite() else _float(float(number))


def _write_duration(span: timedelta) -> str:
    seconds, fraction = divmod(abs(span) // timedelta(microseconds=1), 1_000_000)
    sign = "-" if span < timedelta() else ""
    clock = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{clock}.{fraction:06}" if fraction else clock


def _hex(data: bytes | bytearray | memoryview) -> str:
    return f"\\x{data.hex()}"
