"""Sixty minutes as a line. Pure: numbers in, coordinates out."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 120, 24
_INSET = 1.5  # so that the stroke is not cut off


@dataclass(frozen=True)
class Sparkline:
    """`points` of an SVG polyline in a box of WIDTH by HEIGHT; `words` say the same."""

    points: str
    words: str
    flat: bool


def sparkline(values: Sequence[int]) -> Sparkline:
    """`values` are counts a minute, the oldest first, at least two."""
    most = max(values)
    step = WIDTH / (len(values) - 1)
    room = HEIGHT - 2 * _INSET
    points = " ".join(
        f"{index * step:g},{HEIGHT - _INSET - (value / most * room if most else 0):.3g}"
        for index, value in enumerate(values)
    )
    words = f"{sum(values):,} in the last hour, at most {most:,} a minute" if most else "nothing in the last hour"
    return Sparkline(points, words, most == 0)
