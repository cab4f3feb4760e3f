"""Defines the answer to a member of a group whose rows another transaction has locked."""

from enum import Enum


class Deferred(Enum):
    """Says that nothing was done for this member of the group.

    The caller does it alone, or in a group that may wait.
    """

    LOCKED = "locked"  # another transaction has its row, and the group waits for no lock
    FAILED = "failed"  # the whole group failed
