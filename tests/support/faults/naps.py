"""Defines async tasks that leave a line for each effect, for `dramatiq bureau.worker`."""

import os
from pathlib import Path

from bureau import Context, task


@task("naps.nap", time_limit_seconds=120, base_seconds=0.1, cap_seconds=1)
async def nap(ctx: Context, number: int, seconds: float = 1.0) -> int:
    """Sleeps on the event loop, beside thousands of others."""
    ctx.log(f"nap {number}")
    await ctx.sleep(seconds)
    with (Path(os.environ["CHAOS_FOLDER"]) / "naps").open("a") as effects:
        effects.write(f"{ctx.task_id} {ctx.claim_no}\n")
    return number
