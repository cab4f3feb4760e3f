"""Computes the statistics of the tables: percentiles, and medians of ratios."""

import math
import statistics
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """Returns the smallest value that at least this share of all values does not exceed (the nearest rank)."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def median_of_ratios(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Returns the median of one ratio a round.

    The two of a round ran minutes apart on the same machine, so that a slow hour of the machine slows both. A ratio
    of medians would compare the best hour of one with the worst of the other.
    """
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))
