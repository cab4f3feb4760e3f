"""Splits a roster's text into lines of cells, within limits. Pure."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

DELIMITERS = ",;\t|"
MAX_COLUMNS = 1_000
MAX_CELL_CHARACTERS = 100_000  # below the limit of the csv module, which does not say in which cell it was exceeded
MAX_LINE_CHARACTERS = 1_000_000
HEADER_WITHIN_LINES = 15  # lines with cells; titles of exports are not longer
_LINE_END = re.compile(r"\r\n|\r|\n")
_HEAD_CHARACTERS = 64 * 1024
_SEPARATOR = re.compile(r'^"?sep=(?P<separator>[^\w\s"]|\t)"?[,;\t| ]*\r?(?:\n|\Z)', re.IGNORECASE)
_TEXT_FORMULA = re.compile(r'="(?P<text>(?:[^"]|"")*)"')


class RosterLine(NamedTuple):
    """Holds a line with cells. `number` counts from 1, as editors do; a cell with line breaks spans several."""

    number: int
    cells: list[str]


class TableError(Exception):
    """Says that the text cannot be read as CSV. `line` is where."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class Separated(NamedTuple):
    """Holds a text without the line `sep=;`, which Excel writes and obeys; `skipped` counts the lines left out."""

    text: str
    delimiter: str | None
    skipped: int


def without_separator_line(text: str) -> Separated:
    match = _SEPARATOR.match(text)
    if match is None:
        return Separated(text, None, 0)
    return Separated(text[match.end() :], match["separator"], 1)


def lines(text: str, delimiter: str, skipped: int = 0) -> Iterator[RosterLine]:
    """Yields the lines that have a cell which is not empty. Raises `TableError`."""
    reader = csv.reader(_text_lines(text, skipped), delimiter=delimiter, strict=True)
    number = skipped + 1
    try:
        for cells in reader:
            if len(cells) > MAX_COLUMNS:
                raise TableError(number, f"has {len(cells):,} columns; a roster may have {MAX_COLUMNS:,}")
            if any(map(str.strip, cells)):
                _check_sizes(number, cells)
                yield RosterLine(number, [_as_text(cell) for cell in cells])
            number = skipped + reader.line_num + 1
    except csv.Error as error:
        if "field larger" in str(error):
            raise TableError(number, f"has a cell of more than {MAX_CELL_CHARACTERS:,} characters") from None
        raise TableError(
            number, f"cannot be read as CSV ({error}); close each quote that opens a cell, and double quotes inside it"
        ) from None


def _text_lines(text: str, skipped: int) -> Iterator[str]:
    """Yields the lines of a text one by one. A copy of the whole would take four times its size."""
    start, number = 0, skipped + 1
    while start < len(text):
        match = _LINE_END.search(text, start)
        end = match.end() if match else len(text)
        if end - start > MAX_LINE_CHARACTERS:
            raise TableError(number, f"has more than {MAX_LINE_CHARACTERS:,} characters")
        yield text[start:end]
        start, number = end, number + 1


def head_lines(text: str, delimiter: str) -> list[RosterLine]:
    """Returns the first lines with cells, parsed leniently, because the delimiter is not known yet."""
    head = text[:_HEAD_CHARACTERS]
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    found = []
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                found.append(RosterLine(reader.line_num, [_as_text(cell) for cell in islice(cells, MAX_COLUMNS)]))
            if len(found) == HEADER_WITHIN_LINES:
                break
    except csv.Error:
        pass  # `lines` reports it
    return found


def _check_sizes(number: int, cells: Sequence[str]) -> None:
    if any(len(cell) > MAX_CELL_CHARACTERS for cell in cells):
        raise TableError(number, f"has a cell of more than {MAX_CELL_CHARACTERS:,} characters")


def _as_text(cell: str) -> str:
    """Returns the text 00123 for `="00123"`, which is how spreadsheets keep a number's leading zeros."""
    stripped = cell.strip()
    match = _TEXT_FORMULA.fullmatch(stripped) if stripped.startswith('="') else None
    return match["text"].replace('""', '"') if match else cell
