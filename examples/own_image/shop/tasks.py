"""Defines a shop's tasks: `bureau worker shop.tasks` in the image."""

from bureau import Context, task


@task("shop.receipt", max_attempts=4, time_limit_seconds=60)
def receipt(ctx: Context, customer: str, cents: list[int]) -> int:
    """Writes a receipt as a text file and returns its sum in cents."""
    with ctx.artifact("receipt.txt", "text/plain; charset=utf-8") as file:
        for line in (f"Receipt for {customer}", *(f"{amount / 100:10.2f}" for amount in cents)):
            file.write(f"{line}\n".encode())
    return sum(cents)
