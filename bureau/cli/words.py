"""Numbers, times and sizes in few words."""

import unicodedata
from datetime import datetime

UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def age(seconds: float) -> str:
    """`9 min`: the largest unit alone."""
    whole = max(0, round(seconds))
    for size, unit in UNITS:
        if whole >= size:
            return f"{whole // size} {unit}"
    return "0 s"


def since(moment: str | None, now: datetime) -> str:
    """How long ago a time of the API was; `-` for none."""
    return age((now - datetime.fromisoformat(moment)).total_seconds()) if moment else "-"


def clock(moment: str | None, now: datetime) -> str:
    """`02:51` of today, else `19 Nov 02:51`, in the zone of this machine; `-` for none."""
    if not moment:
        return "-"
    local = datetime.fromisoformat(moment).astimezone()
    if local.date() == now.astimezone().date():
        return f"{local:%H:%M}"
    return f"{local:%d %b %H:%M}" if abs((now - local).days) < 180 else f"{local:%d %b %Y}"


def plain(text: object) -> str:
    """Without control characters: what others wrote must not move this terminal's cursor."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _controls(c) else c for c in str(text))


def one_line(text: object) -> str:
    return plain(" ".join(str(text).split()))


def _controls(character: str) -> bool:
    return character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cs")
