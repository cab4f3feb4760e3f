"""Defines the tests' own tasks, which leave a line for each effect.

`dramatiq bureau.worker tests.support.faults.tasks` runs them.
"""

import os
import signal
import threading
from pathlib import Path

from bureau import Context, task


def _effect(ctx: Context, what: str) -> None:
    """One write, whole or not at all: processes share the file."""
    line = f"{ctx.task_id} {ctx.claim_no} {what}\n".encode()
    file = os.open(Path(os.environ["CHAOS_FOLDER"]) / "effects", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, line)
    finally:
        os.close(file)


@task("chaos.work", time_limit_seconds=120)
def work(ctx: Context, number: int, seconds: float = 0.1) -> int:
    """Takes a while and hears when it is asked to stop."""
    ctx.log(f"working on {number}")
    ctx.stop.wait(seconds)
    _effect(ctx, "work")
    return number


@task("chaos.total")
def total(ctx: Context, numbers: list[int]) -> int:
    """The end of a join."""
    _effect(ctx, "total")
    return sum(numbers)


@task("chaos.file")
def file(ctx: Context, letters: int, seconds: float = 0.1) -> int:
    """Leaves a file, which takes it a while."""
    with ctx.artifact("letters.txt", "text/plain") as letters_file:
        ctx.stop.wait(seconds)
        letters_file.write(b"x" * letters)
    _effect(ctx, "file")
    return letters


@task("chaos.busy", time_limit_seconds=120)
def busy(ctx: Context) -> None:
    """Never looks at its stop token: a call of `ctx` does."""
    while True:
        ctx.progress(1)
        threading.Event().wait(0.05)


@task("chaos.poison", time_limit_seconds=600)
def poison(ctx: Context) -> None:
    """Takes its worker with it, every time."""
    _effect(ctx, "poison")
    os.kill(os.getpid(), signal.SIGKILL)


@task("chaos.deaf", base_seconds=0.1, time_limit_seconds=2)
def unresponsive_task(ctx: Context, seconds: float = 600) -> str:
    """The first time it waits in the system, where no stop token reaches it."""
    _effect(ctx, "deaf")
    if ctx.claim_no == 1:
        threading.Event().wait(seconds)
    return "heard"
