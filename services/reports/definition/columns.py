"""Reads how a column is shown: its label in the header, and the decimals or the date format of its values.

-- [columns.revenue]
-- label = "Revenue (€)"
-- format = "0.00"
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, get_args

from bureau.contracts.errors import PermanentError
from bureau.contracts.reports import DateFormat

KEYS = ("label", "format")
DAYS: tuple[str, ...] = get_args(DateFormat)
CLOCKS = ("", " HH:MM", " HH:MM:SS")
FORMATS = (
    f"0, 0.0 or 0.00 and so on for numbers; {', '.join(DAYS)} for dates, with HH:MM or HH:MM:SS after them for times"
)

_DECIMALS = re.compile(r"0(?:\.(0{1,10}))?")
_ROUNDING = Context(prec=2000)  # digits, enough that rounding never reaches the context's limit


@dataclass(frozen=True)
class NumberFormat:
    """Rounds numbers to `decimals`, half away from zero as PostgreSQL does."""

    decimals: int

    def write(self, number: int | float | Decimal) -> str | None:
        """Formats a number; None for NaN and the infinities, which cannot be rounded."""
        exact = Decimal(repr(number) if isinstance(number, float) else number)
        if not exact.is_finite():
            return None
        return format(exact.quantize(Decimal(1).scaleb(-self.decimals), ROUND_HALF_UP, _ROUNDING), "f")


@dataclass(frozen=True)
class TimeFormat:
    """Formats dates and times. `day` is one of `DAYS`, `clock` one of `CLOCKS`."""

    day: str
    clock: str = ""

    @property
    def text(self) -> str:
        return self.day + self.clock

    def write(self, time: date) -> str:
        clock = f"{time:%H:%M:%S}" if isinstance(time, datetime) else "00:00:00"
        return write_day(self.day, time) + (f" {clock}"[: len(self.clock)] if self.clock else "")


Format = NumberFormat | TimeFormat


@dataclass(frozen=True)
class ReportColumn:
    """Describes a column in a report's header; `name` is its name in the query."""

    name: str
    label: str | None = None
    format: Format | None = None


class InvalidColumns(ValueError):
    """Says what is wrong with a column: pairs of a key and a sentence."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{key}: {detail}" for key, detail in errors))
        self.errors = errors


def write_day(form: str, day: date) -> str:
    return form.replace("YYYY", f"{day.year:04}").replace("MM", f"{day.month:02}").replace("DD", f"{day.day:02}")


def read_column(name: str, table: Any) -> ReportColumn:
    """Returns the column that `table` (TOML) describes. Raises `InvalidColumns`."""
    if not isinstance(table, dict):
        raise InvalidColumns([("", f'write a table: [columns.{name}] and below it label = "…"')])
    if errors := list(_column_errors(table)):
        raise InvalidColumns(errors)
    return ReportColumn(name, table.get("label"), read_format(table["format"]) if "format" in table else None)


def read_format(text: Any) -> Format | None:
    """Parses a format; None if the text is not one."""
    if not isinstance(text, str):
        return None
    if number := _DECIMALS.fullmatch(text):
        return NumberFormat(len(number[1] or ""))
    return next((TimeFormat(day, clock) for day in DAYS for clock in CLOCKS if text == day + clock), None)


def labels(names: Sequence[str], columns: Mapping[str, ReportColumn]) -> list[str]:
    """Returns the labels of the query's columns `names`.

    Raises `PermanentError` (`report_query_invalid`) for a described column that the query does not return.
    """
    if unknown := [name for name in columns if name not in names]:
        raise PermanentError(
            "report_query_invalid",
            f"The report describes a column {unknown[0]!r} that its query does not return; it returns "
            f"{', '.join(names)}. The maintainer of the report must fix it.",
        )
    return [(columns[name].label if name in columns else None) or name for name in names]


def _column_errors(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key in table.keys() - set(KEYS):
        yield key, f"the key is not known; use one of {', '.join(KEYS)}"
    if "label" in table and (not isinstance(table["label"], str) or not table["label"]):
        yield "label", 'write text in quotes: label = "Revenue"'
    if "format" in table and read_format(table["format"]) is None:
        yield "format", f"{table['format']!r} is not a format; use {FORMATS}"
