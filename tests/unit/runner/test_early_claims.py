"""The first thread of a runner claims for those whose hints have arrived too, and none of these claims is lost."""

from uuid import UUID

import pytest

from bureau.runtime import claiming
from bureau.task import Context
from tests.unit.runner.conftest import Bench


class Ran:
    """A task that remembers its runs."""

    def __init__(self) -> None:
        self.by: list[UUID] = []

    def work(self, ctx: Context) -> None:
        self.by.append(ctx.job_id)


@pytest.fixture
def ran(bench: Bench) -> Ran:
    made = Ran()
    bench.serve(made.work)
    return made


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
    assert ran.by == [jobs[1], jobs[2], jobs[0]]
    assert [bench.book.task(job_id).claim_no for job_id in jobs] == [1, 1, 1]


def test_no_more_is_claimed_than_threads_are_free(bench: Bench, ran: Ran) -> None:
    jobs = foretold(bench, 7)  # of four threads
    bench.give(jobs[0])
    assert states(bench, jobs).count("running") == 3
    for job_id in jobs[1:]:
        bench.give(job_id)
    assert ran.by == jobs


def test_a_hint_that_comes_twice_keeps_its_claim(bench: Bench, ran: Ran) -> None:
    first, second = foretold(bench, 2)
    bench.give(first)
    bench.runner.foretell([(bench.book.task(second).id, "shop.work")])
    third = bench.book.submit()
    bench.give(third)
    bench.give(second)
    assert ran.by == [first, third, second]


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
    assert ran.by == [first, kept]
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
