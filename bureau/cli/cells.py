"""Words with a style, as the commands show them; `session` and `table` turn them into rich's.

rich takes longer to import than all the commands, so it is imported when something is shown: a help text needs none.
"""

from dataclasses import dataclass
from typing import NamedTuple


class Styled(NamedTuple):
    """Words in one style, shown as they are."""

    text: str
    style: str = ""


Cell = str | Styled  # of a string the control characters go


@dataclass(frozen=True)
class Column:
    """`flexible`: it gives way. One column of a table has it."""

    title: str
    right: bool = False
    flexible: bool = False
    style: str = ""
