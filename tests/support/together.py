"""Starts several threads at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def together(count: int, act: Callable[[int], T], *, seconds: float = 30.0) -> list[T]:
    """`act(0)` … `act(count - 1)`, each in a thread of its own, released by one barrier; what they returned."""
    barrier = threading.Barrier(count)

    def run(number: int) -> T:
        barrier.wait(seconds)
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return [future.result(seconds) for future in [pool.submit(run, number) for number in range(count)]]
