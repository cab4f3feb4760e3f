"""Draws sixty minutes as a line. Pure: numbers in, coordinates out."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 120, 24
_INSET = 1.5  # keeps the stroke from being cut off


@dataclass(frozen=True)
class Sparkline:
    """The `points` of an SVG polyline in a box of WIDTH by HEIGHT; `words` describe it."""

    points: str
    words: str
    flat: bool


def sparkline(values: Sequence[int]) -> Sparkline:
    """Draws counts by minute, the oldest first; `values` has at least two."""
    most = max(values)
    step = WIDTH / (len(values) - 1)
    room = HEIGHT - 2 * _INSET
    points = " ".join(
        f"{index * step:g},{HEIGHT - _INSET - (value / most * room if most else 0):.3g}"
        for index, value in enumerate(values)
    )
    words = f"{sum(values):,} in the last hour, at most {most:,} a minute" if most else "nothing in the last hour"
    return Sparkline(points, words, most == 0)
