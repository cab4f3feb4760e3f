"""Joins: the last branches end at the same moment, over and over. None is lost and none fires twice."""

import threading
from collections.abc import Iterator, Sequence
from itertools import cycle
from uuid import UUID

import pytest
from sqlalchemy import Connection

from bureau.contracts.jobs.states import When
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.jobs import cancel, leases
from bureau.ledger.jobs.cancel import Cancelling
from bureau.ledger.jobs.claim import Claim, claim
from bureau.ledger.jobs.finish import Finished, FinishResult, finish
from bureau.ledger.jobs.locked_job import LockedJob, write_jobs
from bureau.ledger.jobs.outcome import Outcome, Succeeded
from tests.contract.ledger.conftest import Times
from tests.support.ledger.book import Book, failed, no_jitter, task
from tests.support.ledger.ledgers import quick
from tests.support.ledger.soundness import assert_sound
from tests.support.together import together


def test_the_last_two_branches_end_together(book: Book, times: Times) -> None:
    for _ in times(60):
        job_id = book.submit(task("a"), task("b"), task("join", "a b"))
        claims = [book.take(job_id, "a"), book.take(job_id, "b")]
        ends = together(2, lambda number: book.finish(claims[number]))  # noqa: B023 - called at once
        assert sorted(end.woke for end in ends) == [False, True]
        assert book.states(job_id)["join"] == "ready"
        book.run(job_id, "join")
        assert book.story(job_id)[2:] == ["task.succeeded join", "job.finished"]


def test_the_last_two_tasks_of_a_job_end_together(book: Book, times: Times) -> None:
    others: cycle[Outcome] = cycle([Succeeded(1), failed()])
    for _, other in zip(times(60), others, strict=False):
        job_id = book.submit(task("a"), task("b"))
        claims = [book.take(job_id, "a"), book.take(job_id, "b")]
        endings: list[Outcome] = [Succeeded(1), other]
        together(2, lambda number: book.finish(claims[number], endings[number]))  # noqa: B023
        assert book.job(job_id).state == ("failed" if other == failed() else "succeeded")
        assert book.story(job_id).count("job.finished") == 1


def test_eight_branches_end_together_some_failing(book: Book, times: Times) -> None:
    names = [f"b{n}" for n in range(8)]
    for _ in times(8):
        job_id = book.submit(
            *(task(name) for name in names),
            task("all", " ".join(names)),
            task("any", " ".join(names), when=When.FAILED),
            task("end", "all any", when=When.ENDED),
        )
        claims = [book.take(job_id, name) for name in names]
        ends = together(8, lambda n: book.finish(claims[n], failed() if n % 3 == 0 else None))  # noqa: B023
        assert sum(end.woke for end in ends) == 1
        states = book.states(job_id)
        assert (states["all"], states["any"], states["end"]) == ("skipped", "ready", "waiting")


def test_a_branch_ends_while_the_scheduler_gives_up_the_other(book: Book, times: Times) -> None:
    for _ in times(20):
        job_id = book.submit(task("a"), task("b"), task("join", "a b", when=When.ENDED))
        a, b = book.take(job_id, "a"), book.take(job_id, "b")
        book.set(b.task_id, crashes=4)
        book.end_lease(b.task_id)
        together(2, lambda n: leases.expire(book.db, no_jitter) if n else book.finish(a))  # noqa: B023
        assert book.states(job_id) == {"a": "succeeded", "b": "failed", "join": "ready"}
        book.run(job_id, "join")


def test_a_lease_ends_while_its_worker_finishes(book: Book, times: Times) -> None:
    for _ in times(30):
        job_id = book.submit()
        claimed = book.take(job_id)
        book.end_lease(claimed.task_id)
        finished, _ = together(
            2,
            lambda n: leases.expire(book.db, no_jitter) if n else book.finish(claimed),  # noqa: B023
        )
        assert isinstance(finished, Finished)
        state = "succeeded" if finished.fate is FinishResult.DONE else "ready"
        assert book.task(job_id).state == state
        assert book.outcomes(job_id) == ([] if state == "succeeded" else ["crashed"])


def test_a_task_ends_while_its_job_is_cancelled(book: Book, times: Times) -> None:
    for _ in times(30):
        job_id = book.submit(task("a"), task("b", "a"), task("c", "b"))
        claimed = book.take(job_id, "a")
        _, cancelled = together(
            2,
            lambda n: cancel.cancel(book.db, job_id, "ada") if n else book.finish(claimed),  # noqa: B023
        )
        assert cancelled is Cancelling.CANCELLED
        assert book.states(job_id) == {"a": "succeeded", "b": "cancelled", "c": "cancelled"}
        assert book.job(job_id).state == "cancelled"


def test_a_task_is_claimed_while_its_job_is_cancelled(book: Book, times: Times) -> None:
    for _ in times(30):
        job_id = book.submit(task("a"), task("b", "a"))
        claimed, _ = together(
            2,
            lambda n: cancel.cancel(book.db, job_id, "ada") if n else book.claim(job_id, "a"),  # noqa: B023
        )
        row = book.task(job_id, "a")
        if claimed is None:
            assert row.state == "cancelled"
        else:
            assert (row.state, row.stop_requested_at is not None) == ("running", True)


def test_a_task_is_claimed_while_its_job_expires(book: Book, times: Times) -> None:
    for _ in times(30):
        job_id = book.submit(task("a"), task("b", "a"), expires_at=None)
        book.set_job(job_id, expires_at=later(-1))  # the task's own copy lets it be claimed still
        claimed, expired = together(2, lambda n: cancel.expire_jobs(book.db) if n else book.claim(job_id, "a"))  # noqa: B023
        assert (claimed is None) == (expired == 1)
        assert book.states(job_id)["a"] == ("cancelled" if claimed is None else "running")
        if claimed is not None:
            book.set_job(job_id, expires_at=None)


class Killed(Exception):
    """The process is gone: nothing of its transaction was committed."""


@pytest.fixture
def second(postgres_db: Database, postgres_ledger_url: str) -> Iterator[Database]:
    """Another worker's connections to the same ledger."""
    db = quick(Database(postgres_ledger_url))
    yield db
    db.close()


def test_a_join_fires_once_on_two_workers_of_which_one_dies_in_finish(
    postgres_db: Database, second: Database, monkeypatch: pytest.MonkeyPatch, times: Times
) -> None:
    """Every message comes to both workers. `tests/faults/test_joins.py` does the same to processes."""
    book, workers = Book(postgres_db), (postgres_db, second)
    dying = threading.local()

    def dies(connection: Connection, gathered: Sequence[LockedJob]) -> None:
        if getattr(dying, "now", False):
            raise Killed
        write_jobs(connection, gathered)

    monkeypatch.setattr("bureau.ledger.jobs.finish.write_jobs", dies)

    def claimed(job_id: UUID, name: str) -> Claim:
        task_id = book.task(job_id, name).id
        won = together(4, lambda n: claim(workers[n % 2], task_id, queue="shop", worker=f"w{n}"))
        (one,) = [found for found in won if found]
        return one

    for number in times(20):
        job_id = book.submit(task("a"), task("b"), task("join", "a b"))
        branches = [claimed(job_id, "a"), claimed(job_id, "b")]

        def finishes(n: int, victim: int = number % 3, branches: list[Claim] = branches) -> bool:
            dying.now = n == victim  # in every third round nobody dies
            try:
                return finish(workers[n], branches[n], Succeeded(n)).woke
            except Killed:
                return False

        fired = sum(together(2, finishes))
        if number % 3 < 2:
            lost = branches[number % 3]
            book.end_lease(lost.task_id)
            leases.expire(postgres_db, no_jitter)
            fired += book.finish(claimed(job_id, lost.name)).woke
            assert book.finish(lost).fate is FinishResult.DISCARDED
        assert fired == 1
        join = claimed(job_id, "join")
        assert [end.fate for end in (book.finish(join), book.finish(join))] == [FinishResult.DONE, FinishResult.ALREADY]
        assert book.task(job_id, "join").claim_no == 1
        assert book.job(job_id).state == "succeeded"
    assert_sound(postgres_db)
