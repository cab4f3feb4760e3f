"""Leases: renewed by their workers, expired by any number of schedulers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.jobs import cancel, leases
from bureau.ledger.jobs.claim import Claim
from bureau.ledger.jobs.leases import Expired, Held, LeaseStatus
from tests.support.ledger.book import Book, again, no_jitter, task
from tests.support.together import together


def held(claimed: Claim) -> Held:
    return claimed.task_id, claimed.claim_no


def test_a_renewed_lease_ends_later(book: Book) -> None:
    job_id = book.submit()
    claimed = book.take(job_id)
    book.set(claimed.task_id, lease_until=later(1))
    assert leases.renew(book.db, [held(claimed)]) == {held(claimed)}
    assert book.task(job_id).lease_until - datetime.now(UTC) > timedelta(seconds=25)
    assert leases.renew(book.db, [held(claimed)], lease_seconds=300) == {held(claimed)}
    assert book.task(job_id).lease_until - datetime.now(UTC) > timedelta(seconds=290)


def test_a_lease_that_ended_but_was_not_taken_back_is_renewed(book: Book) -> None:
    job_id = book.submit()
    claimed = book.take(job_id)
    book.end_lease(claimed.task_id)
    assert leases.renew(book.db, [held(claimed)]) == {held(claimed)}
    assert leases.expire(book.db, no_jitter) == Expired()
    assert book.task(job_id).state == "running"


def test_many_leases_are_renewed_at_once_but_only_ones_own(book: Book) -> None:
    job_id = book.submit(*(task(f"t{n}") for n in range(6)))
    mine = [book.take(job_id, f"t{n}") for n in range(4)]
    book.finish(mine[0])
    book.finish(mine[1], again())
    book.take(job_id, "t1")  # by somebody else
    claims = [held(claimed) for claimed in mine]
    assert leases.renew(book.db, claims) == set(claims[2:])
    assert leases.statuses(book.db, claims) == {
        claims[0]: LeaseStatus.LOST,
        claims[1]: LeaseStatus.LOST,
        claims[2]: LeaseStatus.HELD,
        claims[3]: LeaseStatus.HELD,
    }


def test_no_claims_cause_no_query(book: Book) -> None:
    assert leases.renew(book.db, []) == set()
    assert leases.statuses(book.db, []) == {}


def test_a_cancelled_job_asks_its_claims_to_stop_and_goes_on_renewing(book: Book) -> None:
    job_id = book.submit()
    claimed = book.take(job_id)
    cancel.cancel(book.db, job_id, "ada")
    assert leases.statuses(book.db, [held(claimed)]) == {held(claimed): LeaseStatus.STOP}
    assert leases.renew(book.db, [held(claimed)]) == {held(claimed)}


def test_a_claim_of_a_deleted_job_is_lost(book: Book) -> None:
    job_id = book.submit()
    claimed = book.take(job_id)
    other = (claimed.job_id, 1)  # an id that no task has
    assert leases.statuses(book.db, [other]) == {other: LeaseStatus.LOST}


def test_expiry_takes_only_what_is_past_its_lease(book: Book) -> None:
    job_id = book.submit(task("a"), task("b"), task("c"))
    a = book.take(job_id, "a")
    book.take(job_id, "b")
    book.end_lease(a.task_id)
    assert leases.expire(book.db, no_jitter) == Expired(tasks=1, woke=True)
    assert book.states(job_id) == {"a": "ready", "b": "running", "c": "ready"}
    assert leases.expire(book.db, no_jitter) == Expired()


def test_expiry_goes_on_where_its_limit_ended(book: Book) -> None:
    job_id = book.submit(*(task(f"t{n}") for n in range(5)))
    for n in range(5):
        book.end_lease(book.take(job_id, f"t{n}").task_id)
    assert [leases.expire(book.db, no_jitter, limit=2).tasks for _ in range(4)] == [2, 2, 1, 0]


def test_a_task_that_was_asked_to_stop_never_becomes_ready_again(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"))
    claimed = book.take(job_id, "a")
    cancel.cancel(book.db, job_id, "ada")
    book.end_lease(claimed.task_id)
    assert leases.expire(book.db, no_jitter) == Expired(tasks=1, woke=False)
    assert book.states(job_id) == {"a": "cancelled", "b": "cancelled"}
    assert book.job(job_id).state == "cancelled"


def test_among_many_schedulers_each_lease_expires_once(book: Book) -> None:
    job_id = book.submit(*(task(f"t{n}") for n in range(12)))
    for n in range(12):
        book.end_lease(book.take(job_id, f"t{n}").task_id)
    found = together(4, lambda _: leases.expire(book.db, no_jitter))
    assert sum(expired.tasks for expired in found) == 12
    assert {row.crashes for row in book.tasks(job_id)} == {1}


def test_a_renewal_passes_over_a_row_that_is_locked(postgres_db: Database) -> None:
    """Its finish is under way, say: the worker's other leases must not wait for it."""
    book = Book(postgres_db)
    job_id = book.submit(task("a"), task("b"))
    a, b = held(book.take(job_id, "a")), held(book.take(job_id, "b"))
    with postgres_db.transaction() as other:
        other.exec_driver_sql("SELECT 1 FROM tasks WHERE id = %s FOR UPDATE", (a[0],))
        assert leases.renew(postgres_db, [a, b]) == {b}
    assert leases.renew(postgres_db, [a, b]) == {a, b}


def test_a_lease_is_renewed_or_expires_but_never_both(book: Book) -> None:
    for _ in range(30):
        job_id = book.submit()
        claimed = book.take(job_id)
        book.end_lease(claimed.task_id)

        mine = held(claimed)
        expired, renewed = together(
            2,
            lambda n: leases.renew(book.db, [mine]) if n else leases.expire(book.db, no_jitter),  # noqa: B023
        )
        assert isinstance(expired, Expired)
        if expired.tasks:
            assert book.task(job_id).state == "ready"
        else:
            assert renewed == {mine}
            assert book.task(job_id).state == "running"
        book.run(job_id) if expired.tasks else book.finish(claimed)


def test_a_worker_that_comes_back_at_the_last_moment_keeps_its_task(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scheduler has found the lease ended, and has not locked the task yet."""
    job_id = book.submit()
    claimed = book.take(job_id)
    book.end_lease(claimed.task_id)
    unreserve = leases._take_back

    def renewed_before(*found: Any) -> bool | None:
        leases.renew(book.db, [held(claimed)])
        return unreserve(*found)

    monkeypatch.setattr(leases, "_take_back", renewed_before)
    assert leases.expire(book.db, no_jitter) == Expired()
    assert book.task(job_id).state == "running"
