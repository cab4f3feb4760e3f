"""Tasks that use all a worker can do, for workers under a database role of their own."""

from bureau import Context, task
from bureau.contracts.errors import PermanentError, TransientError


@task("odd.flaky")
def flaky(ctx: Context) -> int:
    """Fails once."""
    ctx.log("trying")
    ctx.progress(ctx.attempt, 2, "attempts")
    if ctx.attempt == 1:
        raise TransientError("not_yet", "Not yet.")
    return ctx.attempt


@task("odd.grow")
def grow(ctx: Context, first: int) -> int:
    """Writes a file, and adds two tasks to its job."""
    with ctx.artifact("numbers.txt", "text/plain") as file:
        file.write(str(first).encode())
    ctx.add("leaf", "odd.flaky", {})
    ctx.add("fruit", "odd.flaky", {}, after=["leaf"])
    return first


@task("odd.never")
def never(ctx: Context) -> None:
    """Fails for good, after it began a file."""
    with ctx.artifact("half.txt", "text/plain") as file:
        file.write(b"half")
    raise PermanentError("no_use", "It is no use.")


@task("odd.forever")
def forever(ctx: Context) -> None:
    """Runs until it is stopped."""
    while True:
        ctx.log("still here")
        ctx.stop.wait(0.1)


@task("odd.spin")
def spin(_ctx: Context) -> None:
    """Computes for ever, as code that knows nothing of Bureau."""
    while True:
        sum(range(1000))
