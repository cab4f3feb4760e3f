"""Defines styled texts and columns, which `session` and `table` convert to those of rich.

rich takes longer to import than all the commands, so it is imported only when something is shown; a help text does not
need it.
"""

from dataclasses import dataclass
from typing import NamedTuple


class Styled(NamedTuple):
    """Holds a text in one style; it is shown unchanged."""

    text: str
    style: str = ""


Cell = str | Styled  # control characters in a string are replaced


@dataclass(frozen=True)
class Column:
    """Describes a column. The one column that is `flexible` is cut if the table is too wide."""

    title: str
    right: bool = False
    flexible: bool = False
    style: str = ""
