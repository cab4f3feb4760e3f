"""Counts and sizes as people read them, the same on pages, in mails, in what tasks say and in the command."""

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def count(number: float, one: str, many: str | None = None) -> str:
    """`1 job`, `1,240 jobs`; `many` where an s is not enough."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: float) -> str:
    """Bytes as `512 bytes`, `5.1 kB`, `20.3 MB`: thousands, as disks are sold."""
    if number < 1000:
        return count(round(number), "byte")
    value, unit = number / 1000, 1
    while value >= 999.95 and unit < len(_UNITS) - 1:  # what would be shown as 1000.0
        value, unit = value / 1000, unit + 1
    return f"{value:,.1f} {_UNITS[unit]}"
