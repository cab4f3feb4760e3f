"""Measures the CPU time of a call, for tests of how it grows."""

import gc
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 2
ROUNDS_AT_MOST = 6
LEAST_SECONDS = 0.01  # a shorter time says nothing about growth: it is taken for this long


def growth(work: Callable[[Any], object], small: Any, double: Any, *, at_most: float) -> float:
    """Returns the factor by which CPU time grows: the least of some runs each, in turn.

    Other processes slow a run down and never speed it up, so there are more runs as long as it seems to be over
    `at_most`. In turn, because the machine's speed drifts.
    """
    least_small = least_double = found = float("inf")
    gc.collect()
    gc.disable()  # a collection would fall on one of the two or the other
    try:
        for number in range(ROUNDS_AT_MOST):
            if number >= ROUNDS and found < at_most:
                break
            least_small = min(least_small, _seconds(work, small))
            least_double = min(least_double, _seconds(work, double))
            found = max(least_double, LEAST_SECONDS) / max(least_small, LEAST_SECONDS)
    finally:
        gc.enable()
    return found


def _seconds(work: Callable[[Any], object], given: Any) -> float:
    began = time.process_time()
    work(given)
    return time.process_time() - began
