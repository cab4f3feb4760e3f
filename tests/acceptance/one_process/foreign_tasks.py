"""Tasks of a client's own, whose results are what she writes by hand."""

from typing import Any

from bureau.task import Context, task


@task("eve.echo", max_attempts=1)
def echo(_ctx: Context, value: str, whole: bool) -> Any:
    """Answers its input, `whole` as a reference to a file: one that no submission shows."""
    return {"artifact": value, "name": "salaries.csv"} if whole else value
