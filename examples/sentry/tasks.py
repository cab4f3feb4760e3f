"""Defines two tasks that fail, and has their errors reported: `bureau run examples.sentry.tasks`."""

from bureau import Context, task
from bureau.contracts.errors import PermanentError
from examples.sentry import monitoring  # noqa: F401 - declares the hooks


@task("watched.divide", max_attempts=2, base_seconds=0.1)
def divide(ctx: Context, a: int, b: int) -> float:
    """Divides; by zero it raises an error that nobody expected, and is tried again."""
    ctx.log(f"dividing {a} by {b}")
    return a / b


@task("watched.find")
async def find(ctx: Context, customer: int) -> str:
    """Fails at once."""
    ctx.log(f"looking for customer {customer}")
    raise PermanentError("no_such_customer", f"There is no customer {customer}.")
