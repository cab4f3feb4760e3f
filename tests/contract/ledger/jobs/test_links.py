"""Ends of tasks that succeed in jobs of several: written in one statement where PostgreSQL can, and all the same."""

import pytest
from sqlalchemy import select

from bureau.contracts.jobs.states import When
from bureau.ledger.db.database import Database
from bureau.ledger.db.deferred import Deferred
from bureau.ledger.db.tables import jobs
from bureau.ledger.jobs import cancel
from bureau.ledger.jobs.claim import Claim
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.finish import ClaimOutcome, Finished, FinishResult, finish_batch
from bureau.ledger.jobs.outcome import Outcome, Succeeded
from bureau.ledger.jobs.submit import NewTask
from tests.contract.ledger.conftest import Times
from tests.support.ledger.book import Book, failed, optional, task
from tests.support.ledger.soundness import assert_sound
from tests.support.together import together


def ended(book: Book, claimed: Claim, ending: Outcome | None = None) -> Finished:
    """Ends a claim as a worker's group does: together, and alone if somebody has the rows locked."""
    (found,) = finish_batch(book.db, [ClaimOutcome(claimed, ending or Succeeded({"n": claimed.name}))])
    return book.finish(claimed, ending or Succeeded({"n": claimed.name})) if isinstance(found, Deferred) else found


def test_a_link_makes_the_next_one_ready_and_names_it(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"), task("c", "b"))
    claimed = book.take(job_id, "a")
    lines = [TaskEvent("task.logged", "a", {"line": "hello"})]
    (found,) = finish_batch(book.db, [ClaimOutcome(claimed, Succeeded([1], {"current": 1}), lines)])
    assert isinstance(found, Finished)
    assert (found.fate, found.woke) == (FinishResult.DONE, True)
    assert [(one.id, one.queue, one.run) for one in found.ready] == [(book.task(job_id, "b").id, "shop", "shop.work")]
    assert book.states(job_id) == {"a": "succeeded", "b": "ready", "c": "waiting"}
    row = book.task(job_id, "a")
    assert (row.result, row.progress, row.lease_until, row.due_at) == ([1], {"current": 1}, None, None)
    assert row.finished_at >= row.started_at
    assert book.job(job_id).open_tasks == 2
    assert book.story(job_id) == ["task.logged a", "task.succeeded a"]
    assert [event.seq for event in book.events(job_id)] == [1, 2]
    assert finish_batch(book.db, [ClaimOutcome(claimed, Succeeded([1]))]) == [Finished(FinishResult.ALREADY)]


def test_the_last_link_ends_its_job(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"))
    ended(book, book.take(job_id, "a"))
    assert ended(book, book.take(job_id, "b")) == Finished(FinishResult.DONE)
    assert (book.job(job_id).state, book.job(job_id).open_tasks) == ("succeeded", 0)
    assert book.story(job_id) == ["task.succeeded a", "task.succeeded b", "job.finished"]


@pytest.mark.parametrize("when", When)
def test_a_dependent_runs_or_is_skipped_as_its_graph_says(book: Book, when: When) -> None:
    job_id = book.submit(task("a"), task("then", "a", when=when), task("last", "then", when=When.ENDED), task("other"))
    ended(book, book.take(job_id, "a"))
    runs = when is not When.FAILED
    assert book.states(job_id)["then"] == ("ready" if runs else "skipped")
    assert book.states(job_id)["last"] == ("waiting" if runs else "ready")


@pytest.mark.parametrize("first", [failed(), Succeeded(None)])
def test_a_branch_that_failed_before_is_not_forgotten(book: Book, first: Outcome) -> None:
    job_id = book.submit(optional("a"), task("b"), task("join", "a b"), task("other"))
    ended(book, book.take(job_id, "a"), first)
    ended(book, book.take(job_id, "b"))
    assert book.states(job_id)["join"] == ("ready" if isinstance(first, Succeeded) else "skipped")


def test_a_group_of_branches_fires_its_join_once(book: Book) -> None:
    names = [f"b{n}" for n in range(5)]
    job_id = book.submit(*map(task, names), task("join", " ".join(names)))
    claims = [book.take(job_id, name) for name in names]
    found = finish_batch(book.db, [ClaimOutcome(one, Succeeded(one.name)) for one in claims])
    assert sorted(one.woke for one in found if isinstance(one, Finished)) == [False] * 4 + [True]
    assert book.states(job_id)["join"] == "ready"
    assert book.task(job_id, "join").upstream_open == 0
    assert [event.seq for event in book.events(job_id)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("count", [2, 6])
def test_branches_that_end_at_the_same_moment_fire_their_join_once(book: Book, times: Times, count: int) -> None:
    names = [f"b{n}" for n in range(count)]
    tasks: list[NewTask] = [*map(task, names), task("join", " ".join(names)), task("end", "join")]
    for _ in times(24):
        job_id = book.submit(*tasks)
        claims = [book.take(job_id, name) for name in names]
        ends = together(count, lambda number: ended(book, claims[number]))  # noqa: B023 - called at once
        assert sum(end.woke for end in ends) == 1
        assert (book.states(job_id)["join"], book.job(job_id).open_tasks) == ("ready", 2)
        ended(book, book.take(job_id, "join"))
        ended(book, book.take(job_id, "end"))
        assert book.story(job_id)[count:] == ["task.succeeded join", "task.succeeded end", "job.finished"]


def test_a_link_of_a_cancelled_job_keeps_its_success_and_wakes_nobody(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"))
    claimed = book.take(job_id, "a")
    cancel.cancel(book.db, job_id, "ada")
    assert not ended(book, claimed).woke
    assert book.states(job_id) == {"a": "succeeded", "b": "cancelled"}
    assert book.job(job_id).state == "cancelled"


def test_a_link_waits_for_no_job_that_somebody_has_locked(postgres_db: Database) -> None:
    book = Book(postgres_db)
    job_id = book.submit(task("a"), task("b", "a"))
    claimed = book.take(job_id, "a")
    with postgres_db.transaction() as other:
        other.execute(select(jobs.c.id).where(jobs.c.id == job_id).with_for_update())
        assert finish_batch(postgres_db, [ClaimOutcome(claimed, Succeeded(None))]) == [Deferred.LOCKED]
    assert book.states(job_id) == {"a": "running", "b": "waiting"}, "nothing was written of it"
    assert_sound(postgres_db)
