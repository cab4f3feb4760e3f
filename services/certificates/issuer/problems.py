"""Defines the errors that the issuer answers with, as the JSON of every certificates API."""

from collections.abc import Sequence
from dataclasses import dataclass

LISTED = 1000


@dataclass(frozen=True, order=True)
class RowError:
    """Describes an error in a roster.

    `line` counts from 1, as editors do; for an error of the whole file it is 0, and `column` is "".
    """

    file: str
    line: int
    message: str
    column: str = ""

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{place}: {self.message}"

    @property
    def detail(self) -> dict[str, object]:
        """Returns the error as the API shows it."""
        return {
            "file": self.file,
            "line": self.line or None,
            "column": self.column or None,
            "message": self.message,
        }


class RefusedError(Exception):
    """Says that a request is refused. It is answered with `status`; `rows` are listed by file and line."""

    def __init__(self, status: int, code: str, message: str, rows: Sequence[RowError] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.rows = rows

    @property
    def body(self) -> dict[str, object]:
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.rows:
            error["count"] = len(self.rows)
            error["details"] = [row.detail for row in self.rows[:LISTED]]
        return {"error": error}


def invalid_rosters(rows: Sequence[RowError]) -> RefusedError:
    """Returns the refusal for all errors of all rosters, in the order of their files and lines.

    The message is one line, because programs show it in lists; the errors themselves are the details.
    """
    if len(rows) == 1:
        message = f"No certificate was made: {rows[0]}"
    else:
        message = f"No certificate was made: the rosters have {len(rows):,} errors. The first is in {rows[0]}"
    return RefusedError(422, "invalid_roster", message, rows)
