"""Locks: acts that touch many of the same rows at once wait for each other, never in a circle; relays never wait."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select, update

from bureau.contracts.jobs.states import TaskState
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import tasks
from bureau.ledger.dispatch import hints
from bureau.ledger.dispatch.hints import Hint
from bureau.ledger.jobs import cancel, progress
from tests.contract.ledger.conftest import Times
from tests.support.ledger.book import Book, task
from tests.support.together import together

TASKS = 120


def a_job(book: Book) -> UUID:
    """Many tasks, due in another order than they stand in the table."""
    job_id = book.submit(*(task(f"t{n}") for n in range(TASKS)))
    with book.db.transaction() as connection:
        connection.execute(
            update(tasks).where(tasks.c.job_id == job_id).values(due_at=later(tasks.c.position * -7 % 50))
        )
    return job_id


def hinted(book: Book) -> tuple[Hint, ...]:
    return hints.reserve_due(book.db, "shop", TASKS).hints


def run_all(book: Book, job_id: UUID) -> None:
    with book.db.transaction() as connection:
        connection.execute(
            update(tasks)
            .where(tasks.c.job_id == job_id)
            .values(state=TaskState.RUNNING, claim_no=1, worker="w", lease_until=later(30))
        )


def say_progress(book: Book, job_id: UUID) -> None:
    progress.write_events(book.db, {}, {(row.id, 1): {"current": 1} for row in book.tasks(job_id)})


def cancel_against(
    book: Book, times: Times, prepare: Callable[[UUID], object], other: Callable[[UUID], object]
) -> None:
    """Raises LedgerUnavailable where the database found a deadlock and threw one of them out."""
    for _ in times(12):
        job_id = a_job(book)
        prepare(job_id)
        together(2, lambda n: cancel.cancel(book.db, job_id, "ada") if n else other(job_id))  # noqa: B023 - called at once
        with book.db.transaction() as connection:
            connection.execute(tasks.delete())


@pytest.fixture
def crowd(db: Database) -> Book:
    """Without the check of the fixture `book`: these tests leave half of a job behind."""
    return Book(db)


def test_cancelling_while_the_tasks_are_hinted(crowd: Book, times: Times) -> None:
    cancel_against(crowd, times, lambda _: None, lambda _: hinted(crowd))


def test_cancelling_while_hints_are_taken_back(crowd: Book, times: Times) -> None:
    taken: list[tuple[Hint, ...]] = []
    cancel_against(crowd, times, lambda _: taken.append(hinted(crowd)), lambda _: hints.unreserve(crowd.db, taken[-1]))


def test_cancelling_while_hints_are_given_up_as_lost(crowd: Book, times: Times) -> None:
    def grow_old(_: UUID) -> None:
        with crowd.db.transaction() as connection:
            connection.execute(update(tasks).values(hinted_at=later(-4000), hints=1))

    cancel_against(crowd, times, grow_old, lambda _: hints.requeue_lost(crowd.db, []))


def test_cancelling_while_progress_is_written(crowd: Book, times: Times) -> None:
    cancel_against(crowd, times, lambda job_id: run_all(crowd, job_id), lambda job_id: say_progress(crowd, job_id))


def test_a_relay_passes_over_rows_that_are_locked(postgres_db: Database) -> None:
    book = Book(postgres_db)
    job_id = book.submit(*(task(f"t{n}") for n in range(4)))
    hurried = postgres_db.with_timeout(1)
    with postgres_db.transaction() as other:
        other.execute(select(tasks.c.id).where(tasks.c.name == "t1").with_for_update())
        assert len(hints.reserve_due(hurried, "shop", 10).hints) == 3
    for row in book.tasks(job_id):
        book.set(row.id, hinted_at=later(-40), hints=1)
    with postgres_db.transaction() as other:
        other.execute(select(tasks.c.id).where(tasks.c.name == "t2").with_for_update())
        assert hints.requeue_lost(hurried, []) == 3
    assert hints.requeue_lost(hurried, []) == 1
    hurried.close()


def test_a_row_that_is_only_referred_to_is_hinted_all_the_same(postgres_db: Database) -> None:
    """A row in another table that points to a task locks the task's key, no more."""
    book = Book(postgres_db)
    book.submit()
    with postgres_db.transaction() as other:
        other.execute(select(tasks.c.id).with_for_update(read=True, key_share=True))
        assert len(hints.reserve_due(postgres_db, "shop", 10).hints) == 1
