"""Formats numbers, times and states for people."""

from collections.abc import Sequence
from datetime import datetime, timedelta

_STATES = {
    "waiting": ("⋯", "waiting"),
    "scheduled": ("◷", "scheduled"),
    "queued": ("◦", "queued"),
    "running": ("▶", "running"),
    "retrying": ("↻", "retrying"),
    "succeeded": ("✓", "succeeded"),
    "failed": ("✕", "failed"),
    "cancelled": ("⊘", "cancelled"),
    "skipped": ("⇥", "skipped"),
}
# The state of a mail: its sign, its word, and the task state whose colour it shares.
_MAILS = {
    "open": ("▶", "being handed over", "running"),
    "sent": ("→", "sent", "succeeded"),
    "delivered": ("✓", "delivered", "succeeded"),
    "deferred": ("↻", "deferred", "retrying"),
    "unknown": ("?", "unknown", "retrying"),
    "refused": ("✕", "refused", "failed"),
    "bounced": ("✕", "bounced", "failed"),
    "dropped": ("⊘", "dropped", "failed"),
    "complained": ("⚑", "complained", "failed"),
    "suppressed": ("⊘", "suppressed", "failed"),
}
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def state_words(state: str) -> tuple[str, str]:
    """Returns a sign and a word, so that colour is never the only difference."""
    return _STATES.get(state, ("?", state))


def mail_words(state: str) -> tuple[str, str, str]:
    """Returns a sign, a word and a tone."""
    return _MAILS.get(state, ("?", state, "waiting"))


def duration(span: timedelta | float) -> str:
    """Formats a duration as `0.4 s`, `12 s`, `3 min`, `2 h` or `5 d`; a number counts seconds."""
    seconds = max(span.total_seconds() if isinstance(span, timedelta) else float(span), 0.0)
    if seconds < 10:
        return f"{seconds:.1f} s"
    size, unit = next((size, unit) for size, unit in _UNITS if seconds >= size)
    return f"{seconds // size:.0f} {unit}"


def ago(span: timedelta) -> str:
    return "just now" if span.total_seconds() < 5 else f"{duration(span)} ago"


def ahead(span: timedelta) -> str:
    return "now" if span.total_seconds() < 1 else f"in {duration(span)}"


def number(n: float) -> str:
    """Formats a number as `1,240`."""
    return f"{n:,.0f}"


def id_end(job_id: object) -> str:
    """Returns the end of an id, by which people name it: ids made within weeks begin alike."""
    return str(job_id)[-8:]


def listed(parts: Sequence[str]) -> str:
    """Joins parts as `a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def clock(moment: datetime) -> str:
    return moment.strftime("%H:%M:%S")


def day(moment: datetime, today: datetime) -> str:
    """Formats the time, with the date where it is not today."""
    return clock(moment) if moment.date() == today.date() else moment.strftime("%Y-%m-%d %H:%M")


def exact(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
