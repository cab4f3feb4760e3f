"""Branches that wait for each other in any process: `dramatiq bureau.worker tests.support.graphs.branches`."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bureau import Context, task

FOLDER = "CHAOS_FOLDER"


def _append(name: str, line: str) -> None:
    """One write, whole or not at all: processes share the file."""
    file = os.open(Path(os.environ[FOLDER]) / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, f"{line}\n".encode())
    finally:
        os.close(file)


@contextmanager
def held_back(folder: Path, barrier: str) -> Iterator[None]:
    """Branches of this barrier wait until the block ends; the kernel lets all of them go at once."""
    with (folder / f"{barrier}.barrier").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@task("chaos.branch", time_limit_seconds=300)
def branch(ctx: Context, number: int, barrier: str) -> int:
    """Ends when its barrier is lifted."""
    _append(f"{barrier}.arrived", f"{ctx.task_id} {ctx.claim_no}")
    with (Path(os.environ[FOLDER]) / f"{barrier}.barrier").open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
    return number


@task("chaos.join")
def join(ctx: Context, numbers: list[int]) -> int:
    """Leaves a line each time that it runs."""
    _append("joined", str(ctx.task_id))
    return sum(numbers)
