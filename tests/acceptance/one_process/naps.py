"""Tasks that take their time, for tests of stopping."""

import time

from bureau import Context, task


@task("naps.polite")
def polite(ctx: Context, seconds: float) -> str:
    """Looks up from time to time, as long tasks should."""
    ends = time.monotonic() + seconds
    ctx.log("asleep")
    while time.monotonic() < ends:
        ctx.progress(ends - time.monotonic(), seconds, "seconds left")
        ctx.stop.wait(0.05)
    return "slept well"


@task("naps.deaf")
def unresponsive_task(ctx: Context, seconds: float) -> str:
    """Hears nothing until it is done."""
    ctx.log("asleep")
    time.sleep(seconds)
    return "slept well"
