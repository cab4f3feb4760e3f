"""Defines the errors of archives that must not be given to anyone."""

from bureau.contracts.errors import PermanentError

SHOWN_CHARACTERS = 80


class ArchiveError(PermanentError):
    """Says that the archive breaks a rule; `message` names the member, the value and the rule."""


def shown(name: str) -> str:
    """Returns a member's name fit to be shown: in quotes, unprintable characters escaped, cut if it is long."""
    printable = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)
    if len(printable) > SHOWN_CHARACTERS:
        printable = printable[: SHOWN_CHARACTERS - 1] + "…"
    return f"“{printable}”"


def corrupt(detail: str) -> ArchiveError:
    return ArchiveError("archive_corrupt", f"The archive is damaged: {detail}.")


def truncated(detail: str) -> ArchiveError:
    return ArchiveError("archive_truncated", f"The archive is cut off: {detail}.")
