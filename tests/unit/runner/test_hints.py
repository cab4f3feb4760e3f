"""What a hint leads to: the row decides, whatever the message said, and a hint never raises."""

from typing import Any
from uuid import UUID

import pytest

from bureau.contracts.ids import new_id
from bureau.contracts.jobs.states import When
from bureau.ledger.db.sql_time import later
from bureau.ledger.jobs import cancel
from bureau.runtime import claiming
from bureau.task import Context
from tests.support.ledger.book import again, failed, task
from tests.support.together import together
from tests.unit.runner.conftest import Bench


class Ran:
    """A task that remembers its runs."""

    def __init__(self) -> None:
        self.by: list[UUID] = []
        self.jobs: list[UUID] = []

    def work(self, ctx: Context) -> None:
        self.by.append(ctx.task_id)
        self.jobs.append(ctx.job_id)


@pytest.fixture
def ran(bench: Bench) -> Ran:
    made = Ran()
    bench.serve(made.work)
    return made


def test_a_hint_runs_its_task_once(bench: Bench, ran: Ran) -> None:
    job_id = bench.book.submit()
    for _ in range(3):
        bench.give(job_id)
    assert ran.by == [bench.book.task(job_id).id]


def test_a_hint_that_many_threads_have_runs_its_task_once(bench: Bench, ran: Ran) -> None:
    for number in range(10):
        job_id = bench.book.submit()
        together(4, lambda _: bench.give(job_id))  # noqa: B023 - called at once
        assert len(ran.by) == number + 1


@pytest.mark.parametrize("what", ["unknown", "ended", "cancelled", "waiting", "not due", "running", "another queue"])
def test_a_hint_for_what_cannot_run_is_done_with(bench: Bench, ran: Ran, what: str) -> None:
    job_id = bench.book.submit(
        task("a", queue="mailer" if what == "another queue" else "shop"),
        task("b", "a"),
        delay_seconds=60 if what == "not due" else None,
    )
    if what == "ended":
        bench.book.run(job_id, "a", failed())
    elif what == "cancelled":
        cancel.cancel(bench.db, job_id, "ada")
    elif what == "running":
        bench.book.take(job_id, "a")
    elif what == "unknown":
        bench.runner.execute("shop.work", new_id())
        return
    before = bench.book.tasks(job_id)
    bench.give(job_id, "b" if what == "waiting" else "a")
    assert ran.by == []
    assert bench.book.tasks(job_id) == before


def test_a_hint_that_names_another_task_function_of_the_queue_runs_nothing(bench: Bench, ran: Ran) -> None:
    """Who may publish must not choose what an input is fed to."""

    def refund(ctx: Context, amount: int = 0) -> None:
        raise AssertionError("not called")

    bench.serve(refund, "shop.refund")
    job_id = bench.book.submit()
    bench.runner.execute("shop.refund", bench.book.task(job_id).id)
    assert (bench.book.task(job_id).state, bench.book.task(job_id).claim_no) == ("ready", 0)
    bench.give(job_id)
    assert len(ran.by) == 1


def test_the_relay_is_woken_for_what_became_ready(bench: Bench, ran: Ran) -> None:
    chain = bench.book.submit(task("a"), task("b", "a"))
    bench.give(chain, "a")
    assert bench.bell.rung == 1
    bench.give(chain, "b")
    assert bench.bell.rung == 1  # nothing came after it


def test_the_relay_is_woken_when_a_retry_was_written(bench: Bench) -> None:
    def work(ctx: Context) -> None:
        raise ValueError

    bench.run(work)
    assert bench.bell.rung == 1


def test_claims_wake_the_relay_when_their_part_of_the_window_is_used_up(bench: Bench, ran: Ran) -> None:
    runner = bench.another_runner(bench.db, threads=3)
    for _ in range(7):
        job_id = bench.book.submit()
        runner.execute("shop.work", bench.book.task(job_id).id)
    assert bench.bell.rung == 2
    assert runner.pace.claimed_lately() == 7


def test_claims_are_forgotten_after_a_while(bench: Bench, ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.run(ran.work)
    assert bench.runner.pace.claimed_lately() == 1
    monkeypatch.setattr("bureau.runtime.pace.PACE_SECONDS", 0.0)
    assert bench.runner.pace.claimed_lately() == 0


def test_a_runner_that_closes_claims_nothing_more(bench: Bench, ran: Ran) -> None:
    job_id = bench.book.submit()
    bench.runner.close()
    bench.give(job_id)
    assert ran.by == []
    assert bench.book.task(job_id).state == "ready"


def test_a_whole_graph_runs_by_hints_alone(bench: Bench) -> None:
    order: list[Any] = []

    def work(ctx: Context, fail: bool = False) -> None:
        order.append(ctx.task_id)
        if fail:
            raise ValueError

    bench.serve(work)
    job_id = bench.book.submit(
        task("a"),
        task("b", "a"),
        task("c", "a", input={"fail": True}, optional=True),
        task("d", "b c", when=When.ENDED),
    )
    ids = {row.name: row.id for row in bench.book.tasks(job_id)}
    bench.book.set(ids["c"], max_attempts=1)
    for name in ("d", "a", "c", "d", "b", "d"):
        bench.give(job_id, name)
    assert order == [ids["a"], ids["c"], ids["b"], ids["d"]]
    assert bench.book.job(job_id).state == "succeeded"


def test_a_postponed_task_runs_when_it_is_due(bench: Bench, ran: Ran) -> None:
    job_id = bench.book.submit()
    bench.book.run(job_id, ending=again(60))
    bench.give(job_id)
    assert ran.by == []
    bench.book.set(bench.book.task(job_id).id, due_at=later(-1))
    bench.give(job_id)
    assert len(ran.by) == 1


# The first thread of a runner claims for those whose hints have arrived too, and none of these claims is lost.


def foretold(bench: Bench, count: int) -> list[UUID]:
    """Jobs of one task whose hints have arrived."""
    jobs = [bench.book.submit() for _ in range(count)]
    bench.runner.foretell([(bench.book.task(job_id).id, "shop.work") for job_id in jobs])
    return jobs


def states(bench: Bench, jobs: list[UUID]) -> list[str]:
    return [bench.book.task(job_id).state for job_id in jobs]


def test_what_has_arrived_is_claimed_with_the_first_one_and_each_runs_once(bench: Bench, ran: Ran) -> None:
    jobs = foretold(bench, 3)
    bench.give(jobs[1])
    assert states(bench, jobs) == ["running", "succeeded", "running"]
    for job_id in (jobs[2], jobs[0], jobs[0], jobs[1]):
        bench.give(job_id)
    assert ran.jobs == [jobs[1], jobs[2], jobs[0]]
    assert [bench.book.task(job_id).claim_no for job_id in jobs] == [1, 1, 1]


def test_no_more_is_claimed_than_threads_are_free(bench: Bench, ran: Ran) -> None:
    jobs = foretold(bench, 7)  # of four threads
    bench.give(jobs[0])
    assert states(bench, jobs).count("running") == 3
    for job_id in jobs[1:]:
        bench.give(job_id)
    assert ran.jobs == jobs


def test_a_hint_that_comes_twice_keeps_its_claim(bench: Bench, ran: Ran) -> None:
    first, second = foretold(bench, 2)
    bench.give(first)
    bench.runner.foretell([(bench.book.task(second).id, "shop.work")])
    third = bench.book.submit()
    bench.give(third)
    bench.give(second)
    assert ran.jobs == [first, third, second]


def test_a_claim_that_waited_long_gets_a_new_lease_or_is_not_begun(
    bench: Bench, ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, kept, lost = foretold(bench, 3)
    bench.give(first)
    monkeypatch.setattr(claiming, "FRESH_SECONDS", -1.0)
    bench.book.expire(bench.book.task(lost).id)
    bench.book.end_lease(bench.book.task(kept).id)
    bench.give(kept)
    bench.give(lost)
    assert ran.jobs == [first, kept]
    assert bench.book.task(lost).crashes == 1


def test_claims_without_a_thread_are_handed_back_at_the_stop(bench: Bench, ran: Ran) -> None:
    jobs = foretold(bench, 3)
    bench.runner.start()
    bench.give(jobs[0])
    bench.runner.close()
    assert bench.runner.stop(30.0)
    assert states(bench, jobs) == ["succeeded", "ready", "ready"]
    assert [bench.book.outcomes(job_id) for job_id in jobs] == [[], ["handed_back"], ["handed_back"]]
    assert bench.book.task(jobs[1]).failures == 0
    assert bench.heartbeat.executions() == []


def test_a_runner_that_stops_writes_all_ends_first(bench: Bench, ran: Ran) -> None:
    bench.runner.start()
    jobs = [bench.book.submit() for _ in range(20)]
    for job_id in jobs:
        bench.give(job_id)
    assert bench.runner.stop(30.0)
    assert states(bench, jobs) == ["succeeded"] * 20
    assert bench.heartbeat.executions() == []
