"""Formats counts and sizes for people, the same on pages, in mails, in log lines of tasks and in the command."""

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def count(number: float, one: str, many: str | None = None) -> str:
    """Formats a count: `1 job`, `1,240 jobs`; `many` is the plural of words that do not just add an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: float) -> str:
    """Formats bytes as `512 bytes`, `5.1 kB`, `20.3 MB`, in powers of 1000 as for disks."""
    if number < 1000:
        return count(round(number), "byte")
    value, unit = number / 1000, 1
    while value >= 999.95 and unit < len(_UNITS) - 1:  # would be shown as 1000.0
        value, unit = value / 1000, unit + 1
    return f"{value:,.1f} {_UNITS[unit]}"
