"""Tasks of a service whose command has two processes: one that fails once, one that is put off once, one of no end."""

from bureau import Context, task
from bureau.contracts.errors import Postponed, TransientError

_put_off: set[str] = set()


@task("twins.flaky")
def flaky(ctx: Context) -> None:
    if ctx.attempt == 1:
        raise TransientError("not_yet", "Not yet.", retry_after=0.1)


@task("twins.later")
def later(ctx: Context, marker: str) -> None:
    """Put off by each process that it comes to for the first time."""
    if marker not in _put_off:
        _put_off.add(marker)
        raise Postponed("busy", "Later.", delay=0.1)


@task("twins.endless")
def endless(ctx: Context) -> None:
    while True:
        ctx.progress(0, None, "waiting to be cancelled")
        ctx.stop.wait(0.1)
