"""Defines branches that wait for each other in any process: `dramatiq bureau.worker tests.support.graphs.branches`."""

import fcntl
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import UUID

from bureau import Context, task
from bureau.contracts.errors import Postponed

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


_here: Counter[UUID] = Counter()  # branches of each job that wait in this process
_counting = threading.Lock()


@task("chaos.branch", time_limit_seconds=300)
def branch(ctx: Context, number: int, barrier: str, here_at_most: int) -> int:
    """Ends when its barrier is lifted. More of a job than `here_at_most` do not wait in one process."""
    with (Path(os.environ[FOLDER]) / f"{barrier}.barrier").open() as file:
        if not _lifted(file):
            with _counting:
                if _here[ctx.job_id] >= here_at_most:
                    raise Postponed("enough_here", "Another worker is to take it.", delay=0.1)
                _here[ctx.job_id] += 1
            _append(f"{barrier}.arrived", f"{ctx.task_id} {ctx.claim_no}")
            fcntl.flock(file, fcntl.LOCK_SH)
    return number


def _lifted(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@task("chaos.join")
def join(ctx: Context, numbers: list[int]) -> int:
    """Leaves a line each time that it runs."""
    _append("joined", str(ctx.task_id))
    return sum(numbers)
