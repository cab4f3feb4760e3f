"""Tasks that a running task adds to its job."""

import tracemalloc
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from bureau import Context
from bureau.contracts.catalog import Catalog
from bureau.contracts.errors import PermanentError
from bureau.ledger.dispatch import workers
from bureau.ledger.dispatch.workers import NewWorker
from bureau.ledger.jobs import cancel, leases
from bureau.ledger.reads import job_queries
from bureau.ledger.reads.job_views import JobView
from tests.support.ledger.book import no_jitter
from tests.unit.runner.conftest import Bench

OWNER = "ada"


@pytest.fixture
def shop(bench: Bench) -> Bench:
    """A worker that announced `shop.double`, which doubles a number."""

    def double(ctx: Context, n: int) -> dict[str, int]:
        return {"n": 2 * n}

    bench.serve(double, "shop.double")
    catalog = Catalog(tasks=[task.description for task in bench.tasks.values()])
    workers.register(bench.db, NewWorker("w", "shop", "shop", "1", "here", 1, 4, catalog))
    return bench


def job(bench: Bench, job_id: UUID) -> JobView:
    found = job_queries.job(bench.db, job_id, OWNER)
    assert found is not None
    return found


def states(bench: Bench, job_id: UUID) -> dict[str, str]:
    return {task.name: task.state for task in job(bench, job_id).tasks}


def _adding(added: dict[str, Any]) -> Callable[[Context], None]:
    def work(ctx: Context) -> None:
        ctx.add(**added)

    return work


def test_added_tasks_start_after_the_one_that_added_them_and_pass_results_on(shop: Bench) -> None:
    def work(ctx: Context) -> str:
        ctx.add("first", "shop.double", {"n": 2})
        ctx.add("second", "shop.double", {"n": {"$result": "/first/n"}}, after=["first"])
        return "added two"

    job_id = shop.run(work)
    assert states(shop, job_id) == {"only": "succeeded", "only:first": "queued", "only:second": "waiting"}
    assert job(shop, job_id).state == "running"
    shop.give(job_id, "only:first")
    shop.give(job_id, "only:second")
    ended = job(shop, job_id)
    assert (ended.state, [task.result for task in ended.tasks]) == ("succeeded", ["added two", {"n": 4}, {"n": 8}])


def test_a_task_that_fails_adds_nothing(shop: Bench) -> None:
    def work(ctx: Context) -> None:
        ctx.add("first", "shop.double", {"n": 2})
        raise PermanentError("no_paper", "There is no paper.")

    job_id = shop.run(work)
    assert states(shop, job_id) == {"only": "failed"}


def test_a_task_that_is_tried_again_adds_once(shop: Bench) -> None:
    tries = []

    def work(ctx: Context) -> None:
        ctx.add("first", "shop.double", {"n": 2})
        tries.append(ctx.attempt)
        if len(tries) == 1:
            raise RuntimeError("again")

    job_id = shop.run(work)
    shop.book.make_due(shop.book.task(job_id).id)
    shop.give(job_id)
    assert tries == [1, 2]
    assert states(shop, job_id) == {"only": "succeeded", "only:first": "queued"}


def test_no_task_is_added_to_a_job_that_was_cancelled_meanwhile(shop: Bench) -> None:
    def work(ctx: Context) -> None:
        ctx.add("first", "shop.double", {"n": 2})
        cancel.cancel(shop.db, ctx.job_id, OWNER)

    job_id = shop.run(work)
    assert (job(shop, job_id).state, states(shop, job_id)) == ("cancelled", {"only": "cancelled"})


def test_an_added_task_is_cancelled_with_its_job(shop: Bench) -> None:
    job_id = shop.run(_adding({"name": "first", "run": "shop.double", "input": {"n": 2}}))
    cancel.cancel(shop.db, job_id, OWNER)
    assert states(shop, job_id) == {"only": "succeeded", "only:first": "cancelled"}


def adding_many(ctx: Context) -> None:
    for number in range(2000):
        ctx.add(str(number), "shop.double", {"n": number})


def test_two_thousand_tasks_are_added_at_once_and_leave_nothing_in_memory(shop: Bench) -> None:
    shop.run(_adding({"name": "first", "run": "shop.double", "input": {"n": 2}}))  # what is made once is there now
    tracemalloc.start()
    job_id = shop.run(adding_many)
    left, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert job(shop, job_id).counts == {"queued": 2000, "succeeded": 1}
    assert left < 1_500_000
    assert peak < 15_000_000


class Died(BaseException):
    """The process is gone; in a test, its thread goes on."""


def test_a_worker_that_dies_while_they_are_written_adds_none_and_the_next_adds_each_once(
    shop: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise Died

    shop.serve(adding_many)
    job_id = shop.book.submit()
    with monkeypatch.context() as patched:
        patched.setattr("bureau.ledger.jobs.finish.write_jobs", dies)
        with pytest.raises(Died):
            shop.give(job_id)
    assert states(shop, job_id) == {"only": "running"}
    task_id = shop.book.task(job_id).id
    shop.book.end_lease(task_id)
    leases.expire(shop.db, no_jitter)
    shop.give(job_id)
    assert job(shop, job_id).counts == {"queued": 2000, "succeeded": 1}
    assert [attempt.outcome for attempt in shop.book.attempts(job_id)] == ["crashed"]
    cancel.cancel(shop.db, job_id, OWNER)
    assert job(shop, job_id).counts == {"cancelled": 2000, "succeeded": 1}


@pytest.mark.parametrize(
    ("added", "words"),
    [
        (
            {"name": "a", "run": "shop.nothing", "input": {}},
            "announced shop.nothing; known: shop.double",
        ),
        ({"name": "a", "run": "shop.double", "input": {"n": "two"}}, "#/input/n: "),
        ({"name": "a/b", "run": "shop.double", "input": {"n": 2}}, "name: "),
        ({"name": "a", "run": "shop.double", "input": {"n": 2}, "after": ["b"]}, "'b' was not added before it"),
        ({"name": "a", "run": "shop.double", "input": {"n": {"$result": "/b/n"}}}, "#/input/n: b is not in"),
    ],
)
def test_a_task_that_could_not_be_submitted_cannot_be_added(shop: Bench, added: dict[str, Any], words: str) -> None:
    job_id = shop.run(_adding(added))
    error = job(shop, job_id).error
    assert error is not None
    assert error["code"] == "invalid_added_task"
    assert words in error["message"]


def test_a_name_is_added_once(shop: Bench) -> None:
    def work(ctx: Context) -> None:
        ctx.add("a", "shop.double", {"n": 1})
        ctx.add("a", "shop.double", {"n": 2})

    error = job(shop, shop.run(work)).error
    assert error is not None
    assert "was added already" in error["message"]


def test_an_added_task_may_go_to_another_queue_that_serves_it(shop: Bench) -> None:
    catalog = Catalog(tasks=[task.description for task in shop.tasks.values()])
    workers.register(shop.db, NewWorker("w2", "bulk", "bulk", "1", "here", 1, 4, catalog))
    job_id = shop.run(_adding({"name": "next", "run": "shop.double", "input": {"n": 2}, "queue": "bulk"}))
    assert {task.name: task.queue for task in job(shop, job_id).tasks} == {"only": "shop", "only:next": "bulk"}


def test_an_added_task_is_refused_for_a_queue_that_nobody_serves(shop: Bench) -> None:
    job_id = shop.run(_adding({"name": "next", "run": "shop.double", "input": {"n": 2}, "queue": "bulk"}))
    error = job(shop, job_id).error
    assert error is not None
    assert "#/queue: No worker serves shop.double on the queue bulk; it is served on shop" in error["message"]
