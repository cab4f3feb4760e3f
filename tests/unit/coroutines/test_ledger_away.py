"""The ledger goes away at any moment of an `async def` task: nothing is lost, and nothing is done twice."""

import time
from collections import Counter
from pathlib import Path

import pytest

from bureau.ledger.db.database import Database
from bureau.process import background_loop
from bureau.runtime import claiming
from bureau.task import Context
from tests.support.waiting import until
from tests.unit.coroutines.conftest import Plant
from tests.unit.runner.faulty import Faulty, Moment


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asks again at once."""
    monkeypatch.setattr(claiming, "LEDGER_AGAIN_SECONDS", (0.001,))
    monkeypatch.setattr(background_loop, "BACKOFF_FIRST_SECONDS", 0.01)
    monkeypatch.setattr(background_loop, "BACKOFF_CAP_SECONDS", 0.05)


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("break_at", range(1, 13))
def test_one_broken_call_costs_nothing(ledger: Database, tmp_path: Path, break_at: int, moment: Moment) -> None:
    runs: Counter[object] = Counter()

    async def work(ctx: Context) -> str:
        runs[ctx.task_id] += 1
        ctx.log("working")
        return "done"

    db = Faulty(tmp_path, break_at=break_at, moment=moment)
    plant = Plant(db, tmp_path)
    plant.serve(work)
    plant.book.db = ledger
    job_ids = [plant.submit(work) for _ in range(3)]
    heartbeat = plant.start().heartbeat

    began = time.monotonic()

    def ended() -> bool:
        """Acts as the scheduler, too: a claim whose answer was lost is nobody's until its lease expires."""
        held = {execution.held for execution in heartbeat.executions()}
        for row in (plant.book.task(job_id) for job_id in job_ids):
            lost = row.state == "running" and (row.id, row.claim_no) not in held
            if lost and time.monotonic() - began > 2:  # any other claim is held by now
                plant.book.expire(row.id)
        return all(plant.book.job(job_id).state == "succeeded" for job_id in job_ids)

    try:
        until(ended, 60, "all have ended")
    finally:
        plant.stop()
        db.close()
    assert all(plant.book.task(job_id).result == "done" for job_id in job_ids)
    assert all(runs[row.id] <= row.claim_no for row in (plant.book.task(job_id) for job_id in job_ids))


def test_an_outcome_during_an_outage_is_written_after_it(ledger: Database, tmp_path: Path) -> None:
    db = Faulty(tmp_path)
    plant = Plant(db, tmp_path)
    plant.book.db = ledger
    ended: list[object] = []

    async def work(ctx: Context) -> None:
        db.away.set()
        ended.append(ctx.task_id)

    plant.serve(work)
    job_id = plant.submit(work)
    plant.start()
    until(lambda: ended, 30, "the task ran")
    assert plant.book.task(job_id).state == "running"
    db.away.clear()
    until(lambda: plant.book.job(job_id).state == "succeeded", 30, "its end is written")
    plant.stop()
    db.close()
    assert len(ended) == 1
