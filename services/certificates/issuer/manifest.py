"""Makes the lists in the archive: `manifest.csv` for people, `manifest.json` for programs, and `errors.csv`."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bureau.formulas import is_formula
from bureau.services.certificates.issuer.problems import RowError
from bureau.services.certificates.issuer.rosters.header import ignored_text
from bureau.services.certificates.issuer.rosters.roster import Roster

CSV, JSON, ERRORS = "manifest.csv", "manifest.json", "errors.csv"
COLUMNS = ("file", "recipient", "email", "course", "date", "language", "serial", "link", "sha256")
ERROR_COLUMNS = ("file", "line", "column", "message")
VERSION = 1


@dataclass(frozen=True)
class Entry:
    """Describes a certificate in the archive. `file` is its name there; `link` is "" without a signing key."""

    file: str
    recipient: str
    email: str
    course: str
    date: str
    language: str
    serial: str
    link: str
    sha256: str


def manifest_csv(entries: Iterable[Entry]) -> bytes:
    """Returns CSV in UTF-8 with a line for each certificate."""
    return _csv(COLUMNS, ([getattr(entry, column) for column in COLUMNS] for entry in entries))


def errors_csv(errors: Iterable[RowError]) -> bytes:
    """Returns CSV in UTF-8 with a line for each error, in the order of files and lines."""
    return _csv(ERROR_COLUMNS, ([error.file, str(error.line or ""), error.column, error.message] for error in errors))


def manifest_json(
    organisation: str, rosters: Sequence[Roster], entries: Sequence[Entry], errors: Sequence[RowError]
) -> bytes:
    """Returns JSON; docs/certificates-api.md says what a program may rely on."""
    manifest: dict[str, Any] = {
        "version": VERSION,
        "organisation": organisation,
        "rosters": [
            {
                "file": roster.name,
                "encoding": roster.encoding,
                "delimiter": roster.delimiter,
                "rows": len(roster.rows),
                "ignored": ignored_text(roster.ignored),
                "left_out": [asdict(line) for line in roster.left_out],
            }
            for roster in rosters
        ],
        "certificates": [asdict(entry) for entry in entries],
        "errors": [error.detail for error in errors],
    }
    return json.dumps(manifest, ensure_ascii=False, indent=1).encode("utf-8")


def _csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    lines.writerow(columns)
    lines.writerows([neutral(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8")


def neutral(value: str) -> str:
    """Returns `value`, with an apostrophe before it if a spreadsheet would run it."""
    return f"'{value}" if is_formula(value) else value
