"""A stop, and death, at every line that the runner and what it finishes with run: the job ends all the same, once."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bureau.contracts.errors import TransientError
from bureau.ledger.jobs import finish
from bureau.runtime import runner
from bureau.runtime.execution import execution
from bureau.stop_token import StopReason
from bureau.storage import Storage
from bureau.task import Context
from tests.support.faults.lines import Lines
from tests.support.ledger.ledgers import sqlite_ledger
from tests.support.ledger.soundness import assert_sound
from tests.support.running.processes import ROOT
from tests.unit.runner.conftest import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    db = sqlite_ledger(tmp_path)
    yield Bench(db, Storage.from_url(f"file://{tmp_path}/storage"))
    assert_sound(db)
    db.close()


def a_file(ctx: Context) -> int:
    """A task with a bit of everything."""
    ctx.log("writing")
    with ctx.artifact("a.txt", "text/plain") as file:
        file.write(b"text")
    ctx.progress(1, 1, "files")
    return 1


def once_in_vain(ctx: Context) -> int:
    if ctx.attempt == 1:
        raise TransientError("not_yet", "Not yet.", retry_after=0)
    return a_file(ctx)


EVERY = pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.long)])  # fifth line, or line


@EVERY
@pytest.mark.parametrize("function", [a_file, once_in_vain])
def test_a_worker_is_stopped_at_every_line(bench: Bench, function: object, every: int) -> None:
    stopped = 0
    while True:
        stopped += 1
        at = 1 + (stopped - 1) * every
        bench.serve(function)  # type: ignore[arg-type]  # either is a task's function
        bench.runner = bench.another_runner(bench.db)
        job_id = bench.book.submit()
        lines = Lines([runner, execution, finish], at, lambda: _stop(bench))
        with lines.traced():
            bench.give(job_id)
        row = bench.book.task(job_id)
        assert row.state in ("ready", "succeeded"), lines.place
        bench.runner = bench.another_runner(bench.db)
        while (row := bench.book.task(job_id)).state == "ready":
            bench.book.make_due(row.id)
            bench.give(job_id)
        assert (row.state, row.result, row.crashes) == ("succeeded", 1, 0), lines.place
        assert row.failures == (1 if function is once_in_vain else 0), lines.place
        if not lines.acted:
            break
    files = bench.stored_keys()
    assert at > 50
    assert len(files) == stopped, "a file for each job, and none of a claim that came to nothing"


def _stop(bench: Bench) -> None:
    """What a SIGTERM does when there is no grace, or the grace is over; in another thread, which may have to wait."""

    def stop() -> None:
        bench.runner.close()
        bench.heartbeat.stop_all(StopReason.SHUTDOWN)

    stopping = threading.Thread(target=stop, daemon=True)
    stopping.start()
    stopping.join(0.02)


@EVERY
def test_a_worker_dies_at_every_line(tmp_path: Path, every: int) -> None:
    """In processes that are forked for it: what an exception would do on its way out, kill -9 does not."""
    command = [sys.executable, "-m", "tests.support.faults.dying", str(tmp_path), str(every)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split()[0]) > 50
