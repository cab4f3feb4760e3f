"""Measures the CPU time of a call, for tests of how it grows."""

import gc
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 4
LEAST_SECONDS = 0.01  # a shorter time says nothing about growth: it is taken for this long


def growth(work: Callable[[Any], object], small: Any, double: Any) -> float:
    """Returns the factor by which CPU time grows: the least of ROUNDS runs each, in turn.

    Other processes slow a run down and never speed it up. In turn, because the machine's speed drifts.
    """
    gc.collect()
    gc.disable()  # a collection would fall on one of the two or the other
    try:
        rounds = [(_seconds(work, small), _seconds(work, double)) for _ in range(ROUNDS)]
    finally:
        gc.enable()
    least_small, least_double = min(one for one, _ in rounds), min(two for _, two in rounds)
    return max(least_double, LEAST_SECONDS) / max(least_small, LEAST_SECONDS)


def _seconds(work: Callable[[Any], object], given: Any) -> float:
    began = time.process_time()
    work(given)
    return time.process_time() - began
