"""Defines the counterparts of Celery's tasks: they add, and do nothing else."""

from bureau import Context, task


@task("bench.add")
def add(ctx: Context, a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@task("bench.total")
def total(ctx: Context, numbers: list[int]) -> int:
    """Sums numbers up."""
    return sum(numbers)
