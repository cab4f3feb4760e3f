"""Numbers and states as people say them."""

from datetime import timedelta

_STATES = {
    "scheduled": ("◷", "scheduled"),
    "queued": ("…", "queued"),
    "running": ("▶", "running"),
    "succeeded": ("✓", "succeeded"),
    "failed": ("✕", "failed"),
    "cancelled": ("–", "cancelled"),
}
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def state_words(state: str) -> tuple[str, str]:
    """A sign and a word: colour is never alone."""
    return _STATES.get(state, ("?", state))


def duration(span: timedelta) -> str:
    """`0.4 s`, `12 s`, `3 min`, `2 h`, `5 d`."""
    seconds = max(span.total_seconds(), 0.0)
    if seconds < 10:
        return f"{seconds:.1f} s"
    size, unit = next((size, unit) for size, unit in _UNITS if seconds >= size)
    return f"{seconds // size:.0f} {unit}"


def ago(span: timedelta) -> str:
    return "just now" if span.total_seconds() < 5 else f"{duration(span)} ago"
