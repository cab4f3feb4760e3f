"""The ledger goes away at any moment of a claim and a finish: the job ends once, and its effects count once."""

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.errors import PermanentError, TransientError
from bureau.contracts.ids import new_id
from bureau.ledger.jobs import cancel, leases
from bureau.ledger.reads import job_queries
from bureau.runtime import claiming
from bureau.task import Context
from tests.support.ledger.book import no_jitter, task
from tests.support.waiting import until
from tests.unit.runner.conftest import Bench
from tests.unit.runner.faulty import Faulty, Moment


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asks again at once."""
    monkeypatch.setattr(claiming, "LEDGER_AGAIN_SECONDS", (0.001,))


class Shop:
    """Tasks with effects to count: `make` leaves a file and a line, `flaky` fails once, `stop` cancels its job."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.runs: Counter[str] = Counter()
        bench.serve(self.make, "shop.make")
        bench.serve(self.flaky, "shop.flaky")
        bench.serve(self.cancelled, "shop.cancelled")
        bench.serve(self.fatal, "shop.fatal")

    def make(self, ctx: Context, rows: int = 1) -> int:
        self.runs["make"] += 1
        ctx.log("making")
        ctx.progress(rows)
        with ctx.artifact("rows.txt", "text/plain") as file:
            file.write(b"rows")
        return rows + 1

    def flaky(self, ctx: Context) -> int:
        self.runs["flaky"] += 1
        if self.runs["flaky"] == 1:
            with ctx.artifact("half.txt", "text/plain") as file:
                file.write(b"half")
            raise TransientError("once", "Once.", retry_after=0)
        return self.make(ctx)

    def cancelled(self, ctx: Context) -> None:
        self.runs["cancelled"] += 1
        cancel.cancel(self.bench.db, ctx.job_id, "ada")
        raise TransientError("gone", "Gone.")

    def fatal(self, ctx: Context) -> None:  # noqa: ARG002 - a task is called with it
        self.runs["fatal"] += 1
        raise PermanentError("no", "No.")


JOBS = {
    "chain": (task("a", run="shop.make"), task("b", "a", run="shop.make", input={"rows": {"$result": "/a"}})),
    "retry": (task("a", run="shop.flaky"),),
    "failure": (task("a", run="shop.fatal"), task("b", "a", run="shop.make")),
    "cancel": (task("a", run="shop.cancelled"), task("b", run="shop.make"), task("c", "a b", run="shop.make")),
}
ENDS = {"chain": "succeeded", "retry": "succeeded", "failure": "failed", "cancel": "cancelled"}


def drive(bench: Bench, db: Faulty, job_id: UUID) -> None:
    """Hints for what is ready, and the end of leases nobody holds, until the job has ended."""
    runner = bench.another_runner(db)
    for _ in range(20):
        for row in bench.book.tasks(job_id):
            if row.state == "ready":
                bench.book.make_due(row.id)
                runner.execute(row.run, row.id)
            elif row.state == "running":
                bench.book.end_lease(row.id)
                leases.expire(bench.db, no_jitter)
        if job_queries.ended(bench.db, job_id):
            return
    raise AssertionError(f"the job never ends: {bench.book.states(job_id)}")


def assert_counted_once(bench: Bench, job_id: UUID, shop: Shop) -> None:
    story = bench.book.story(job_id)
    assert story.count("job.finished") == 1
    for row in bench.book.tasks(job_id):
        assert story.count(f"task.succeeded {row.name}") == (row.state == "succeeded")
    assert story.count("task.logged a") + story.count("task.logged b") == shop.runs["make"]
    view = job_queries.job(bench.db, job_id, "ada")
    assert view is not None
    made = [artifact.task for artifact in view.artifacts]
    assert sorted(made, key=str) == [one.name for one in view.tasks if one.state == "succeeded"]
    assert {artifact.key for artifact in view.artifacts} <= set(bench.stored_keys())


def calls_of(bench: Bench, folder: Path, what: str) -> int:
    """How often a job of this kind asks the ledger when nothing breaks."""
    shop, db = Shop(bench), Faulty(folder)
    job_id = bench.book.submit(*JOBS[what])
    drive(bench, db, job_id)
    assert bench.book.job(job_id).state == ENDS[what]
    assert_counted_once(bench, job_id, shop)
    bench.storage.delete(bench.stored_keys())
    db.close()
    return db.calls


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("what", list(JOBS))
def test_a_break_at_any_call_costs_time_only(bench: Bench, tmp_path: Path, what: str, moment: Moment) -> None:
    for number in range(1, calls_of(bench, tmp_path, what) + 1):
        shop, db = Shop(bench), Faulty(tmp_path, break_at=number, moment=moment)
        job_id = bench.book.submit(*JOBS[what])
        drive(bench, db, job_id)
        assert bench.book.job(job_id).state == ENDS[what]
        assert_counted_once(bench, job_id, shop)
        bench.storage.delete(bench.stored_keys())
        db.close()


@pytest.fixture
def away(tmp_path: Path, bench: Bench) -> Iterator[Faulty]:
    db = Faulty(tmp_path)
    yield db
    db.close()


def test_a_claim_waits_while_the_ledger_is_away(bench: Bench, away: Faulty) -> None:
    shop = Shop(bench)
    job_id = bench.book.submit(*JOBS["chain"][:1])
    away.away.set()
    runner = bench.another_runner(away)
    hinted = threading.Thread(target=runner.execute, args=["shop.make", bench.book.task(job_id, "a").id])
    hinted.start()
    until(lambda: away.calls > 20)
    assert hinted.is_alive()
    assert shop.runs == {}
    away.away.clear()
    hinted.join(10)
    assert bench.book.job(job_id).state == "succeeded"


def test_a_runner_that_closes_waits_no_longer(bench: Bench, away: Faulty) -> None:
    Shop(bench)
    job_id = bench.book.submit(*JOBS["chain"][:1])
    away.away.set()
    runner = bench.another_runner(away)
    hinted = threading.Thread(target=runner.execute, args=["shop.make", bench.book.task(job_id, "a").id])
    hinted.start()
    until(lambda: away.calls > 3)
    runner.close()
    hinted.join(10)
    assert not hinted.is_alive()
    assert bench.book.states(job_id) == {"a": "ready"}


def test_a_finish_waits_while_the_ledger_is_away_and_keeps_its_lease(bench: Bench, away: Faulty) -> None:
    def work(ctx: Context) -> str:
        away.away.set()
        return "kept"

    bench.serve(work)
    job_id = bench.book.submit()
    runner = bench.another_runner(away)
    hinted = threading.Thread(target=runner.execute, args=["shop.work", bench.book.task(job_id).id])
    hinted.start()
    until(lambda: away.calls > 20)
    assert hinted.is_alive()
    assert [execution.claim.job_id for execution in bench.heartbeat.executions()] == [job_id]
    away.away.clear()
    hinted.join(10)
    assert bench.book.task(job_id).result == "kept"


def test_a_task_that_reads_a_file_while_the_ledger_is_away_is_tried_again(bench: Bench, away: Faulty) -> None:
    def work(ctx: Context) -> None:
        away.away.set()
        try:
            with ctx.open(ArtifactRef(artifact=new_id())):
                pass
        finally:
            away.away.clear()

    bench.serve(work)
    job_id = bench.book.submit()
    bench.another_runner(away).execute("shop.work", bench.book.task(job_id).id)
    assert (bench.book.task(job_id).state, bench.book.task(job_id).error["code"]) == ("ready", "ledger_unavailable")


def test_an_outcome_that_no_ledger_takes_fails_the_task_and_leaves_no_file(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    Shop(bench)

    def choosy(*_: object) -> None:
        raise ValueError("no column is that long")

    monkeypatch.setattr("bureau.ledger.jobs.finish.Closing._succeed", choosy)
    job_id = bench.book.submit(*JOBS["chain"][:1])
    bench.give(job_id, "a")
    row = bench.book.task(job_id, "a")
    assert (row.state, row.error["code"], row.error["retryable"]) == ("failed", "not_storable", True)
    assert bench.stored_keys() == []
