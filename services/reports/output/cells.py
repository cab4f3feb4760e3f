"""One cell, one line of CSV (RFC 4180), as every source writes them; PostgreSQL's `COPY` writes the same by itself.

| value | in the file |
| --- | --- |
| NULL | nothing, or the null text; an empty text is then `""`, so that the two can be told apart |
| text | quoted where it holds the delimiter, a quote or a line end; neutralised where it begins like a formula |
| number | digits, never with a delimiter of thousands; `NaN`, `Infinity`, `-Infinity` |
| boolean | `true`, `false` |
| date, time | ISO 8601, with a blank between date and time and with the offset where the source has one |
| span of time | `-26:30:00`: hours, minutes, seconds |
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

from bureau.services.reports.definition.columns import NumberFormat, TimeFormat, write_day
from bureau.services.reports.output.dialect import Dialect

# What makes a spreadsheet run a cell as a formula (OWASP, "CSV injection"); the last four are the full-width forms.
FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"

_ISO_DAY = "YYYY-MM-DD"
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}.*)?", re.ASCII)  # how SQLite keeps dates
Write = Callable[[Any], str]


class LineWriter:
    """Lines of CSV in one dialect; `columns` are the names that the query gives, for those with formats."""

    def __init__(self, dialect: Dialect, columns: Sequence[str] = ()) -> None:
        self._dialect = dialect
        # `\.` alone on a line ends the data for PostgreSQL's COPY FROM before version 17.
        self._quoting = re.compile(rf'["\r\n{re.escape(dialect.delimiter)}]|\A\\\.\Z').search
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
            timedelta: _span,
            bytes: _hex,
            bytearray: _hex,
            memoryview: _hex,
            dict: self._json,
            list: self._json,
        }
        self._formats = [self._formatting(name) for name in columns]
        self._formatted = any(self._formats)

    def line(self, cells: Iterable[Any]) -> str:
        """The cells joined, without a line end."""
        writers, other = self._writers, self._other
        if not self._formatted:
            return self._dialect.delimiter.join([writers.get(type(cell), other)(cell) for cell in cells])
        return self._dialect.delimiter.join(
            [
                (form and form(cell)) or writers.get(type(cell), other)(cell)
                for form, cell in zip(self._formats, cells, strict=True)
            ]
        )

    def text(self, text: str) -> str:
        if not text:
            return self._empty
        if text[0] in FORMULA_STARTS and self._dialect.neutralise:
            text = f"'{text}"
        if self._quoting(text) or text == self._dialect.null_text:
            return '"' + text.replace('"', '""') + '"'
        return text

    def _formatting(self, name: str) -> Callable[[Any], str | None] | None:
        """Writes a cell of the column, or None where its format does not fit the value."""
        column = self._dialect.columns.get(name)
        match column.format if column else None:
            case NumberFormat() as number:
                return lambda cell: self._rounded(number, cell)
            case TimeFormat() as moment:
                return lambda cell: self._timed(moment, cell)
            case _:
                return None

    def _rounded(self, form: NumberFormat, cell: Any) -> str | None:
        if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal):
            return None
        written = form.write(cell)
        return None if written is None else self._number(written)

    def _timed(self, form: TimeFormat, cell: Any) -> str | None:
        moment = _parsed(cell) if isinstance(cell, str) else cell
        return form.write(self._in_zone(moment)) if isinstance(moment, date) else None

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
        """What a driver makes of its own types (UUID, an enum) is text that nobody vouches for."""
        return self.text(str(value))


def _parsed(text: str) -> date | None:
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


def _span(span: timedelta) -> str:
    seconds, fraction = divmod(abs(span) // timedelta(microseconds=1), 1_000_000)
    sign = "-" if span < timedelta() else ""
    clock = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{clock}.{fraction:06}" if fraction else clock


def _hex(data: bytes | bytearray | memoryview) -> str:
    return f"\\x{data.hex()}"
