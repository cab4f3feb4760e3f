"""Times on the command line: `90`, `30s`, `10min`, `1h`, `2d`, or `2026-05-04`, `2026-05-04T07:00`."""

import re
from datetime import UTC, datetime, timedelta

import click

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|sec|m|min|h|d|w|)", re.IGNORECASE)
_SECONDS = {"": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def seconds(text: str) -> float:
    """Of a length of time. Raises ValueError."""
    found = _SPAN.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is no length of time: write 30s, 10min, 1h or 2d")
    return float(found[1]) * _SECONDS[found[2].lower()]


def moment(text: str) -> datetime:
    """Of a date or time, in this machine's zone where it names none. Raises ValueError."""
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except ValueError:
        raise ValueError(f"{text!r} is no time: write 2026-05-04 or 2026-05-04T07:00") from None


class Span(click.ParamType[float]):
    """A length of time, in seconds."""

    name = "time"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return seconds(str(value))
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


class Ago(click.ParamType[datetime]):
    """A time, or a length of time before now."""

    name = "time"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return datetime.now(UTC) - timedelta(seconds=seconds(value)) if _SPAN.fullmatch(value) else moment(value)
        except ValueError as error:
            self.fail(f"{error}, or 1h for an hour ago.", param, ctx)


class Ahead(click.ParamType[datetime]):
    """A time, or a length of time from now."""

    name = "time"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return datetime.now(UTC) + timedelta(seconds=seconds(value)) if _SPAN.fullmatch(value) else moment(value)
        except ValueError as error:
            self.fail(f"{error}, or 1h for in an hour.", param, ctx)
