"""Defines the tasks that the examples in `jobs/` need besides `tasks.py`: the end of a chord, and a task that fails."""

from bureau import Context, task
from bureau.contracts.errors import TransientError


@task("shop.total")
def total(ctx: Context, numbers: list[int]) -> int:
    """Adds many numbers."""
    ctx.log(f"adding {len(numbers)} numbers")
    return sum(numbers)


@task("shop.flaky", max_attempts=5, base_seconds=0.2)
def flaky(ctx: Context, fails: int) -> int:
    """Fails the first few times; returns which attempt succeeded."""
    if ctx.attempt <= fails:
        raise TransientError("out_of_luck", f"Attempt {ctx.attempt} had no luck.")
    return ctx.attempt
