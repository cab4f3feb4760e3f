"""A roster: a CSV file with one certificate a row. Pure: bytes in, rows and mistakes out."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from services.certificates.issuer.decode import NotTextError, decode
from services.certificates.issuer.problems import RowError

DELIMITERS = ",;\t"
# The longest a field may be: with all of them so long, the certificate is still one page.
MAX_CHARACTERS = {"recipient": 120, "email": 254, "course": 200, "date": 40, "hours": 40, "grade": 40, "id": 60}
_ADDRESS = re.compile(r"^[^@\s]+@[^@\s]+$")
_LOST_CHARACTER = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class Row:
    """One certificate to make. Fields are as given but for spaces: runs of them are one; "" where not given."""

    line: int
    recipient: str
    email: str = ""
    course: str = ""
    date: str = ""
    hours: str = ""
    grade: str = ""
    id: str = ""


@dataclass(frozen=True)
class Roster:
    """What was read of a file: the good rows, and every mistake in the others."""

    name: str
    rows: Sequence[Row]
    mistakes: Sequence[RowError]


def read_roster(name: str, data: bytes) -> Roster:
    """Reads all of the file, however many mistakes it has. `name` is what mistakes call it."""
    rows: list[Row] = []
    mistakes: list[RowError] = []
    try:
        for found in _read(decode(data)):
            match found:
                case Row():
                    rows.append(found)
                case (line, message):
                    mistakes.append(RowError(name, line, message))
    except NotTextError as error:
        mistakes.append(RowError(name, 0, str(error)))
    if not rows and not mistakes:
        mistakes.append(RowError(name, 0, "has no rows below its header"))
    return Roster(name, rows, mistakes)


Mistake = tuple[int, str]  # line, message


def _read(text: str) -> Iterator[Row | Mistake]:
    if not text.strip():
        yield 0, "is empty; its first line names the columns, and recipient is one of them"
        return
    delimiter = detect_delimiter(text)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    line = 1
    try:
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                pass  # a blank line
            elif header is None:
                header = [_column(cell) for cell in cells]
                if wrong := _header_mistakes(header):
                    yield from ((line, message) for message in wrong)
                    return
            else:
                yield from _row(line, header, cells)
            line = lines.line_num + 1
    except csv.Error as error:
        yield line, f"cannot be read as CSV ({error}); a quote that is opened must be closed and quotes inside doubled"


def detect_delimiter(text: str) -> str:
    """The delimiter whose header line has the most known columns, then the most columns; a comma where none is."""
    header = next((line for line in text.splitlines() if line.strip()), "")

    def score(delimiter: str) -> tuple[int, int]:
        cells = [_column(cell) for cell in header.split(delimiter)]
        return sum(cell.strip('"') in MAX_CHARACTERS for cell in cells), len(cells)

    return max(DELIMITERS, key=score)


def _column(cell: str) -> str:
    return " ".join(cell.lower().split())


def _header_mistakes(header: list[str]) -> list[str]:
    """Other columns than the known are allowed and not used, but not ones that are meant to be known and misspelt."""
    wrong = [f"column {column} is there twice" for column in MAX_CHARACTERS if header.count(column) > 1]
    missing = [column for column in MAX_CHARACTERS if column not in header]
    for column in header:
        near = get_close_matches(column, missing, n=1, cutoff=0.75) if column not in MAX_CHARACTERS else []
        wrong += [f"column “{column[:40]}” is not known; rename it {near[0]}, or remove it" for _ in near]
    if "recipient" in missing and not wrong:
        found = ", ".join(f"“{column[:40]}”" for column in header[:10])
        wrong.append(f"column recipient is missing; the columns found are {found}")
    return wrong


def _row(line: int, header: list[str], cells: list[str]) -> Iterator[Row | Mistake]:
    wrong: list[str] = []
    if any(cell.strip() for cell in cells[len(header) :]):
        wrong.append(f"has {len(cells)} cells where the header has {len(header)}; quote cells that hold the delimiter")
    given = {
        column: unicodedata.normalize("NFC", " ".join(cell.split()))
        for column, cell in zip(header, cells, strict=False)
        if column in MAX_CHARACTERS
    }
    for column, value in given.items():
        wrong += _field_mistakes(column, value)
    if not given.get("recipient"):
        wrong.append("recipient is empty")
    if wrong:
        yield from ((line, message) for message in wrong)
    else:
        yield Row(line, **given)


def _field_mistakes(column: str, value: str) -> Iterator[str]:
    if len(value) > MAX_CHARACTERS[column]:
        yield f"{column} has {len(value)} characters, at most {MAX_CHARACTERS[column]} fit"
    if any(unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") for c in value):
        yield f"{column} holds characters that are not text; type it again"
    if _LOST_CHARACTER in value:
        yield f"{column} holds “{_LOST_CHARACTER}”, left where an earlier conversion lost a letter; type it again"
    if column == "email" and value and not _ADDRESS.match(value):
        yield f"email “{value[:60]}” is not an address"
