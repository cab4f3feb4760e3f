"""What the issuer refuses, as the JSON every certificates API answers: `{"error": {"code", "message"}}`."""

from collections.abc import Sequence
from dataclasses import dataclass

LISTED_IN_MESSAGE = 20
LISTED = 1000


@dataclass(frozen=True, order=True)
class RowError:
    """A mistake in a roster; `line` counts from 1 as editors do, and is 0 for the file as a whole."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{place}: {self.message}"


class RefusedError(Exception):
    """Answered with `status`; `rows` are listed by file and line."""

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
            error["rows"] = [
                {"file": row.file, "line": row.line or None, "message": row.message} for row in self.rows[:LISTED]
            ]
        return {"error": error}


def invalid_rosters(rows: Sequence[RowError]) -> RefusedError:
    """All mistakes of all rosters at once, in the order of their files and lines; the message names the first 20."""
    listed = [str(row) for row in rows[:LISTED_IN_MESSAGE]]
    if len(rows) > LISTED_IN_MESSAGE:
        listed.append(f"and {len(rows) - LISTED_IN_MESSAGE} more")
    found = "a mistake" if len(rows) == 1 else f"{len(rows)} mistakes"
    message = f"No certificate was made: the rosters have {found}.\n" + "\n".join(listed)
    return RefusedError(422, "invalid_roster", message, rows)
