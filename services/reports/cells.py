"""One cell, one line of CSV (RFC 4180), as every source writes them; PostgreSQL's `COPY` writes the same by itself.

| value | in the file |
| --- | --- |
| NULL | nothing; an empty text is `""`, so that the two can be told apart |
| text | quoted where it holds the delimiter, a quote or a line end; neutralised where it begins like a formula |
| number | digits, never with a delimiter of thousands; `NaN`, `Infinity`, `-Infinity` |
| boolean | `true`, `false` |
| date, time | ISO 8601, with a blank between date and time and with the offset where the source has one |
| bytes | `\\x` and hexadecimal digits |
| list, object | JSON |
"""

import json
import math
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

# What makes a spreadsheet run a cell as a formula (OWASP, "CSV injection"); the last four are the full-width forms.
FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"


class LineWriter:
    """Lines of CSV with one delimiter."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        # `\.` alone on a line ends the data for PostgreSQL's COPY FROM before version 17.
        self._quoting = re.compile(rf'["\r\n{re.escape(delimiter)}]|\A\\\.\Z').search
        self._writers: dict[type, Callable[[Any], str]] = {
            str: self.text,
            int: str,
            float: _float,
            bool: lambda flag: "true" if flag else "false",
            type(None): lambda _: "",
            Decimal: _decimal,
            datetime: lambda time: time.isoformat(" "),
            date: date.isoformat,
            bytes: _hex,
            bytearray: _hex,
            memoryview: _hex,
            dict: self._json,
            list: self._json,
        }

    def line(self, cells: Iterable[Any]) -> str:
        """The cells joined, without a line end."""
        writers, other = self._writers, self._other
        return self._delimiter.join([writers.get(type(cell), other)(cell) for cell in cells])

    def text(self, text: str) -> str:
        if not text:
            return '""'
        if text[0] in FORMULA_STARTS:
            text = f"'{text}"
        if self._quoting(text):
            return '"' + text.replace('"', '""') + '"'
        return text

    def _json(self, value: Any) -> str:
        return self.text(json.dumps(value, ensure_ascii=False, default=str))

    def _other(self, value: Any) -> str:
        """What a driver makes of its own types (UUID, timedelta, an enum) is text that nobody vouches for."""
        return self.text(str(value))


def _float(number: float) -> str:
    if math.isfinite(number):
        return repr(number)
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _decimal(number: Decimal) -> str:
    return format(number, "f") if number.is_finite() else _float(float(number))


def _hex(data: bytes | bytearray | memoryview) -> str:
    return f"\\x{data.hex()}"
