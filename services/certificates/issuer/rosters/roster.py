"""Reads a roster, a CSV file with one certificate a row. Pure: bytes in, rows and errors out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from bureau.services.certificates.issuer.problems import RowError
from bureau.services.certificates.issuer.rosters import table
from bureau.services.certificates.issuer.rosters.decode import Decoded, NotTextError, decode
from bureau.services.certificates.issuer.rosters.fields import clean, field_errors
from bureau.services.certificates.issuer.rosters.header import RosterHeader, read_header, recognised
from bureau.services.certificates.issuer.rosters.languages import language_of
from bureau.services.certificates.issuer.rosters.name_parts import NamePart, join
from bureau.services.certificates.issuer.rosters.people import given_name_first, is_no_person, is_surname_first
from bureau.services.certificates.issuer.rosters.table import RosterLine, TableError

MAX_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class RosterRow:
    """Describes one certificate to make. Fields are as given, but with single spaces; "" if not given."""

    line: int
    recipient: str
    email: str = ""
    course: str = ""
    date: str = ""
    hours: str = ""
    grade: str = ""
    id: str = ""
    language: str = ""  # a code of LANGUAGES


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Says which line is not a row, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class Roster:
    """Holds the contents of a file: the good rows, the errors in the others, and how the file was understood."""

    name: str
    rows: Sequence[RosterRow] = ()
    errors: Sequence[RowError] = ()
    encoding: str = ""
    delimiter: str = ""
    language: str = ""  # the header's language, a code of LANGUAGES
    ignored: Sequence[str] = ()  # columns that are not used
    left_out: Sequence[LeftOut] = ()
    lines: int = 0  # below the header, good or bad


@dataclass
class _Reading:
    """Collects what was found so far in one file."""

    name: str
    rows: list[RosterRow] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    header: RosterHeader | None = None
    lines: int = 0

    def error(self, line: int, column: str, message: str) -> None:
        self.errors.append(RowError(self.name, line, message, column))


def read_roster(name: str, data: bytes, *, encoding: str | None = None, max_rows: int = MAX_ROWS) -> Roster:
    """Reads a file.

    `name` is the file's name in errors; `encoding`, a name of `ENCODINGS`, is the request's own. It reads on after an
    error, so that all are reported at once, but stops after `max_rows` rows, good or bad, and one more.
    """
    reading = _Reading(name)
    decoded, delimiter = Decoded("", ""), ""
    try:
        decoded = decode(data, encoding)
        separated = table.without_separator_line(decoded.text)
        delimiter = separated.delimiter or detect_delimiter(separated.text)
        _read(reading, separated.text, delimiter, separated.skipped, max_rows)
    except NotTextError as error:
        reading.error(0, "", str(error))
    except TableError as error:
        reading.error(error.line, "", str(error))
    if not reading.rows and not reading.errors:
        reading.error(0, "", "has no rows below its header")
    header = reading.header
    return Roster(
        name,
        _given_names_first(reading.rows, header),
        reading.errors,
        decoded.encoding,
        delimiter,
        language=header.language if header else "",
        ignored=header.ignored if header else (),
        left_out=reading.left_out,
        lines=reading.lines,
    )


def detect_delimiter(text: str) -> str:
    """Returns the delimiter with which a line names the most columns, then with which it has the most; else a comma."""

    def score(delimiter: str) -> tuple[int, int]:
        return max(
            ((recognised(line.cells), len(line.cells)) for line in table.head_lines(text, delimiter)), default=(0, 0)
        )

    return max(table.DELIMITERS, key=score)


def _read(reading: _Reading, text: str, delimiter: str, skipped: int, max_rows: int) -> None:
    if not text or text.isspace():
        reading.error(0, "", "is empty; its first line names the columns, and recipient is one of them")
        return
    lines = table.lines(text, delimiter, skipped)
    head, broken = _head(lines)
    if broken and not any(recognised(line.cells) for line in head):
        raise broken
    if not head:
        reading.error(0, "", "is empty; its first line names the columns, and recipient is one of them")
        return
    place = _header_place(head)
    header = reading.header = read_header(head[place].cells)
    for error in header.errors:
        reading.error(head[place].number, error.column, error.message)
    if header.errors:
        return
    _leave_out_titles(reading, head[:place], head[place].number)
    for line in chain(head[place + 1 :], lines):
        if reading.lines > max_rows:
            return
        reading.lines += 1
        _read_row(reading, header, line)
    if broken:
        raise broken


def _head(lines: Iterator[RosterLine]) -> tuple[list[RosterLine], TableError | None]:
    """Returns the lines among which the header is looked for, and the error that ended them early."""
    head: list[RosterLine] = []
    try:
        for line in islice(lines, table.HEADER_WITHIN_LINES):
            head.append(line)
    except TableError as error:
        return head, error
    return head, None


def _header_place(head: Sequence[RosterLine]) -> int:
    """Returns the place of the line that names the most columns: exports write titles above it."""
    return max(range(len(head)), key=lambda place: (recognised(head[place].cells), -place))


def _leave_out_titles(reading: _Reading, titles: Sequence[RosterLine], header: int) -> None:
    for line in titles:
        if any("@" in cell for cell in line.cells):
            reading.error(line.number, "", f"is above the header, which is in line {header}, but holds an address")
        else:
            reading.left_out.append(LeftOut(line.number, f"it is above the header, which is in line {header}"))


def _read_row(reading: _Reading, header: RosterHeader, line: RosterLine) -> None:
    cells = line.cells
    values = {name: clean(cells[place]) for name, place in header.fields.items() if place < len(cells)}
    parts = {part: clean(cells[place]) for part, place in header.parts.items() if place < len(cells)}
    recipient, disagreement = _recipient(values.get("recipient"), parts, header)
    if header.gradebook and (not recipient or is_no_person(recipient)):
        reason = f"“{recipient}” is not a person" if recipient else "it names no student"
        reading.left_out.append(LeftOut(line.number, f"{reason}, in a gradebook"))
        return
    values["recipient"] = recipient
    found = [(name, message) for name, value in values.items() for message in field_errors(name, value)]
    if any(cell.strip() for cell in cells[len(header.cells) :]):
        message = f"has {len(cells)} cells, but the header has {len(header.cells)}; quote cells that hold the delimiter"
        found.insert(0, ("", message))
    if disagreement:
        found.append(("recipient", disagreement))
    if not recipient:
        found.append(("recipient", "recipient is empty"))
    for column, message in found:
        reading.error(line.number, column, message)
    if not found:
        values["language"] = language_of(values.get("language", "")) or ""
        reading.rows.append(RosterRow(line.number, **values))


def _recipient(whole: str | None, parts: dict[NamePart, str], header: RosterHeader) -> tuple[str, str | None]:
    """Returns the recipient's name, and an error if the columns contradict one another."""
    if whole is not None:
        missing = [value for value in parts.values() if value and value.casefold() not in whole.casefold()]
        if whole and missing:
            return whole, f"“{missing[0][:60]}” is a part of the name, but not in “{whole[:60]}”; remove one column"
        return whole, None
    given, surname = parts.get(NamePart.GIVEN, ""), parts.get(NamePart.SURNAME, "")
    if surname and given.casefold().endswith(f" {surname.casefold()}"):
        return given, None  # the first column holds the whole name
    return join(parts, surname_comes_first=header.surname_comes_first), None


def _given_names_first(rows: Sequence[RosterRow], header: RosterHeader | None) -> Sequence[RosterRow]:
    """Turns `Lovelace, Ada` into `Ada Lovelace`, if the header says so or every recipient is written like that."""
    turned = [row for row in rows if is_surname_first(row.recipient)]
    if header is None or not turned or not (header.surname_first_cells or len(turned) == len(rows)):
        return rows
    return [
        replace(row, recipient=given_name_first(row.recipient)) if is_surname_first(row.recipient) else row
        for row in rows
    ]
