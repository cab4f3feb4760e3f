"""Parses times on the command line: `90`, `30s`, `10min`, `1h`, `2d`, or `2026-05-04`, `2026-05-04T07:00`."""

import re
from datetime import UTC, datetime, timedelta

import click

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|sec|m|min|h|d|w|)", re.IGNORECASE)
_SECONDS = {"": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def seconds(text: str) -> float:
    """Returns the seconds of a duration such as `10min`. Raises ValueError."""
    match = _SPAN.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a duration: write 30s, 10min, 1h or 2d")
    return float(match[1]) * _SECONDS[match[2].lower()]


def moment(text: str) -> datetime:
    """Parses a date or time; without a time zone it is in this machine's zone. Raises ValueError."""
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except ValueError:
        raise ValueError(f"{text!r} is not a time: write 2026-05-04 or 2026-05-04T07:00") from None


class Span(click.ParamType[float]):
    """Converts an option's value, a duration, to seconds."""

    name = "time"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return seconds(str(value))
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


class Ago(click.ParamType[datetime]):
    """Converts an option's value, a time or a duration before now, to a time."""

    name = "time"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return datetime.now(UTC) - timedelta(seconds=seconds(value)) if _SPAN.fullmatch(value) else moment(value)
        except ValueError as error:
            self.fail(f"{error}, or 1h for an hour ago.", param, ctx)


class Ahead(click.ParamType[datetime]):
    """Converts an option's value, a time or a duration from now, to a time."""

    name = "time"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return datetime.now(UTC) + timedelta(seconds=seconds(value)) if _SPAN.fullmatch(value) else moment(value)
        except ValueError as error:
            self.fail(f"{error}, or 1h for in an hour.", param, ctx)
