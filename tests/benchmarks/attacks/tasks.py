"""Defines a task whose result is what a client writes by hand."""

from typing import Any

from bureau import Context, task


@task("attacks.echo", max_attempts=1)
def echo(ctx: Context, value: Any = None) -> Any:
    """Answers its input."""
    return value
