"""Measures the CPU time of a call, for tests of how it grows."""

import gc
import time
from collections.abc import Callable
from typing import Any

LEAST_SECONDS = 0.01  # a shorter time says nothing about growth: it is taken for this long


def growth(work: Callable[[Any], object], small: Any, double: Any) -> float:
    """By how much the CPU time grows; the shortest of some runs each, because others disturb and never help."""
    return max(_seconds(work, double), LEAST_SECONDS) / max(_seconds(work, small), LEAST_SECONDS)


def _seconds(work: Callable[[Any], object], given: Any) -> float:
    taken = []
    gc.collect()
    gc.disable()  # its runs fall on one of the two or the other
    try:
        for _ in range(3):
            began = time.process_time()
            work(given)
            taken.append(time.process_time() - began)
    finally:
        gc.enable()
    return min(taken)
