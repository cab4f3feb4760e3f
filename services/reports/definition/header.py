"""Splits a report file into its header, TOML in the `--` comments before the SQL, and the SQL.

    -- title = "Monthly sales"
    -- source = "demo"
    -- [parameters.since]
    -- type = "date"
    select … where ordered_on >= :since

The header may contain TOML's own `#` comments. It ends before the first line that is not a comment.
"""

import re
import tomllib
from dataclasses import dataclass
from typing import Any


class InvalidHeader(ValueError):
    """Says that the header is not TOML; `line` counts from 1 within the file."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(detail)
        self.line = line
        self.detail = detail


@dataclass(frozen=True)
class ReportHeader:
    """Holds a header: `table` is its TOML, `sql` the text after it, `lines` its number of lines."""

    table: dict[str, Any]
    sql: str
    comments: tuple[str, ...]

    @property
    def lines(self) -> int:
        return len(self.comments)

    def line_of(self, *path: str) -> int:
        """Returns the line of a key such as `("parameters", "since", "type")`, or of the nearest table around it."""
        table = ".".join(path[:-1])
        within = ""
        nearest = 0
        for number, comment in enumerate(self.comments, start=1):
            if section := re.match(r"\s*\[\s*([^\]]+?)\s*\]", comment):
                within = section[1].replace('"', "").replace(" ", "")
                if within in (table, ".".join(path)):
                    nearest = number
            elif within == table and re.match(rf"""\s*["']?{re.escape(path[-1])}["']?\s*=""", comment):
                return number
        if nearest or len(path) == 1:
            return nearest or 1
        return self.line_of(*path[:-1])


def split(text: str) -> ReportHeader:
    """Returns the header and the SQL of a report file. Raises `InvalidHeader`."""
    lines = text.replace("\r\n", "\n").split("\n")
    count = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    comments = tuple(re.sub(r"^-- ?", "", line) for line in lines[:count])
    try:
        table = tomllib.loads("\n".join(comments))
    except tomllib.TOMLDecodeError as error:
        raise _error(str(error), count) from error
    return ReportHeader(table, "\n".join(lines[count:]), comments)


def _error(message: str, last: int) -> InvalidHeader:
    """Builds the error from tomllib's message, "… (at line 3, column 5)" or "… (at end of document)"."""
    position = re.search(r" \(at line (\d+), column \d+\)$", message)
    line = int(position[1]) if position else max(last, 1)
    reason = re.sub(r" \(at [^)]*\)$", "", message)
    return InvalidHeader(line, f'the header is not TOML: {reason}; write lines such as -- title = "Monthly sales"')
