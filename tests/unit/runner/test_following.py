"""A worker with threads to spare goes on with what its task made ready, without a hint."""

import pytest

from bureau.ledger.jobs import claim as claims
from bureau.runtime import claiming, runner
from bureau.task import Context
from tests.support.ledger.book import task
from tests.unit.runner.conftest import Bench


def quick(_ctx: Context) -> None:
    """Does nothing."""


def serve(bench: Bench, job: object, name: str) -> None:
    row = bench.book.task(job, name)  # type: ignore[arg-type]  # a job's id
    bench.runner.serve(row.run, row.id)


def test_a_chain_goes_on_in_the_thread_that_ended_its_link_and_nobody_is_hinted(bench: Bench) -> None:
    bench.serve(quick)
    job_id = bench.book.submit(task("a"), task("b", "a"), task("c", "b"))
    serve(bench, job_id, "a")
    assert bench.book.job(job_id).state == "succeeded"
    assert bench.bell.rung == 0


def test_one_of_several_follow_up_tasks_runs_at_once_and_the_others_get_hints(bench: Bench) -> None:
    bench.serve(quick)
    job_id = bench.book.submit(task("a"), task("b", "a"), task("c", "a"))
    serve(bench, job_id, "a")
    assert sorted(bench.book.states(job_id).values()) == ["ready", "succeeded", "succeeded"]
    assert bench.bell.rung == 1


@pytest.mark.parametrize("why", ["another queue", "an unknown task", "no thread to spare", "it closes", "too long"])
def test_a_follow_up_is_left_to_the_relay(bench: Bench, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    bench.serve(lambda _ctx: bench.runner.close() if why == "it closes" else None)
    then = {"another queue": {"queue": "mailer"}, "an unknown task": {"run": "shop.other"}}.get(why, {})
    if why == "no thread to spare":
        bench.runner = bench.another_runner(bench.db, threads=1)
    if why == "too long":
        monkeypatch.setattr(runner, "FOLLOW_SECONDS", -1.0)
    job_id = bench.book.submit(task("a"), task("b", "a", **then), task("c", "b"))
    serve(bench, job_id, "a")
    assert "ready" in bench.book.states(job_id).values()
    assert bench.bell.rung > 0


def test_a_stale_hint_costs_one_transaction(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.serve(quick)
    job_id = bench.book.submit()
    bench.give(job_id)
    alone: list[object] = []
    monkeypatch.setattr(claiming, "claim", lambda *about, **_: alone.append(about))
    bench.give(job_id)
    assert alone == []
    assert claims.NotClaimable.GONE in claims.claim_batch(
        bench.db, [(bench.book.task(job_id).id, "shop.work")], queue="shop", worker="w"
    )
