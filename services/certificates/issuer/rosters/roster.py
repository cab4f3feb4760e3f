"""A roster: a CSV file with one certificate a row. Pure: bytes in, rows and mistakes out."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bureau.services.certificates.issuer.problems import RowError
from bureau.services.certificates.issuer.rosters.columns import column_of, header_errors
from bureau.services.certificates.issuer.rosters.decode import Decoded, NotTextError, decode
from bureau.services.certificates.issuer.rosters.languages import LANGUAGES, language_of

DELIMITERS = ",;\t|"
# The longest a field may be: with all of them so long, the certificate is still one page.
MAX_CHARACTERS = {
    "recipient": 120,
    "email": 254,
    "course": 200,
    "date": 40,
    "hours": 40,
    "grade": 40,
    "id": 60,
    "language": 40,
}
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
    language: str = ""  # a code of LANGUAGES


@dataclass(frozen=True)
class Roster:
    """What was read of a file: the good rows, every mistake in the others, and how it was understood."""

    name: str
    rows: Sequence[Row]
    errors: Sequence[RowError]
    encoding: str = ""
    delimiter: str = ""


def read_roster(name: str, data: bytes) -> Roster:
    """Reads all of the file, however many mistakes it has. `name` is what mistakes call it."""
    rows: list[Row] = []
    errors: list[RowError] = []
    decoded, delimiter = Decoded("", ""), ""
    try:
        decoded = decode(data)
        delimiter = detect_delimiter(decoded.text)
        for found in _read(decoded.text, delimiter):
            match found:
                case Row():
                    rows.append(found)
                case (line, message):
                    errors.append(RowError(name, line, message))
    except NotTextError as error:
        errors.append(RowError(name, 0, str(error)))
    if not rows and not errors:
        errors.append(RowError(name, 0, "has no rows below its header"))
    return Roster(name, rows, errors, decoded.encoding, delimiter)


RowErrorAt = tuple[int, str]  # line, message


def _read(text: str, delimiter: str) -> Iterator[Row | RowErrorAt]:
    if not text.strip():
        yield 0, "is empty; its first line names the columns, and recipient is one of them"
        return
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str | None] | None = None
    line = 1
    try:
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                pass  # a blank line
            elif header is None:
                header = [column_of(cell) for cell in cells]
                if wrong := header_errors(cells):
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
        cells = header.split(delimiter)
        return sum(column_of(cell) is not None for cell in cells), len(cells)

    return max(DELIMITERS, key=score)


def _row(line: int, header: Sequence[str | None], cells: list[str]) -> Iterator[Row | RowErrorAt]:
    wrong: list[str] = []
    if any(cell.strip() for cell in cells[len(header) :]):
        wrong.append(f"has {len(cells)} cells where the header has {len(header)}; quote cells that hold the delimiter")
    given = {
        column: unicodedata.normalize("NFC", " ".join(cell.split()))
        for column, cell in zip(header, cells, strict=False)
        if column is not None
    }
    for column, value in given.items():
        wrong += _field_errors(column, value)
    if not given.get("recipient"):
        wrong.append("recipient is empty")
    if wrong:
        yield from ((line, message) for message in wrong)
        return
    if given.get("language"):
        given["language"] = language_of(given["language"]) or ""
    yield Row(line, **given)


def _field_errors(column: str, value: str) -> Iterator[str]:
    if len(value) > MAX_CHARACTERS[column]:
        yield f"{column} has {len(value)} characters, at most {MAX_CHARACTERS[column]} fit"
    if any(unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") for c in value):
        yield f"{column} holds characters that are not text; type it again"
    if _LOST_CHARACTER in value:
        yield f"{column} holds “{_LOST_CHARACTER}”, left where an earlier conversion lost a letter; type it again"
    if column == "email" and value and not _ADDRESS.match(value):
        yield f"email “{value[:60]}” is not an address"
    if column == "language" and value and language_of(value) is None:
        known = ", ".join(f"{code} ({name})" for code, name in LANGUAGES.items())
        yield f"language “{value[:40]}” is not one a certificate is written in: {known}"
