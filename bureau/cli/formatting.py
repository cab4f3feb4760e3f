"""Formats ages and times, and makes text from others safe for a terminal."""

import unicodedata
from datetime import datetime

UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def age(seconds: float) -> str:
    """Formats seconds in the largest unit that fits: `9 min`."""
    whole = max(0, round(seconds))
    for size, unit in UNITS:
        if whole >= size:
            return f"{whole // size} {unit}"
    return "0 s"


def since(moment: str | None, now: datetime) -> str:
    """Formats how long ago a time from the API was; `-` for None."""
    return age((now - datetime.fromisoformat(moment)).total_seconds()) if moment else "-"


def clock(moment: str | None, now: datetime) -> str:
    """Formats a time from the API in this machine's zone: `02:51 CET` today, else `19 Nov 02:51 CET`; `-` for None."""
    if not moment:
        return "-"
    local = datetime.fromisoformat(moment).astimezone()
    if local.date() == now.astimezone().date():
        return f"{local:%H:%M %Z}"
    return f"{local:%d %b %H:%M %Z}" if abs((now - local).days) < 180 else f"{local:%d %b %Y}"


def plain(text: object) -> str:
    """Replaces control characters, because text from others must not move this terminal's cursor."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_control(c) else c for c in str(text))


def one_line(text: object) -> str:
    """Joins the text's lines into one and replaces control characters."""
    return plain(" ".join(str(text).split()))


def _is_control(character: str) -> bool:
    return character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cs")
