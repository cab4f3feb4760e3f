"""Tasks of two services, for one worker process."""

import os

from bureau import Context, task


@task("pairs.first")
def first(ctx: Context, number: int) -> list[int]:
    """Returns the number and its process."""
    return [number, os.getpid()]


@task("others.second")
def second(ctx: Context, number: int, before: list[int]) -> list[int]:
    """Adds to what the first one returned."""
    return [before[0] + number, before[1], os.getpid()]
