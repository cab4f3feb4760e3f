"""Rate limits, quotas, the audit, kept secrets, shared things: what the ledger knows about who asks."""

from typing import Any

import pytest
from sqlalchemy import select, update

from bureau.contracts.ids import new_id
from bureau.ledger.access import audit, ownership, quotas
from bureau.ledger.access import rate_limits as rates
from bureau.ledger.access.audit import Act
from bureau.ledger.access.quotas import Quota, QuotaExceeded
from bureau.ledger.access.rate_limits import Rate
from bureau.ledger.access.shared_secrets import kept_secret
from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import audit as audit_table
from bureau.ledger.db.tables import rate_limits
from bureau.ledger.files import artifacts
from bureau.ledger.jobs import cancel, retry_job
from tests.support.ledger.book import Book, add_upload, stored
from tests.support.together import together


def audited(db: Database, *columns: str) -> list[tuple[Any, ...]]:
    query = select(*(audit_table.c[name] for name in columns)).order_by(audit_table.c.id)
    with db.read() as connection:
        return [tuple(row) for row in connection.execute(query)]


# -- rates ---------------------------------------------------------------------------------------------------------


def test_a_bucket_gives_its_units_then_refuses(db: Database) -> None:
    rate = Rate(3, seconds=3600)
    standings = [rates.take(db, "shop", rate) for _ in range(5)]
    assert [standing.allowed for standing in standings] == [True, True, True, False, False]
    assert [standing.left for standing in standings] == [2, 1, 0, 0, 0]
    assert standings[-1].wait_seconds == pytest.approx(1200, abs=5)
    assert rates.take(db, "other", rate).allowed  # a bucket each


def test_a_bucket_fills_with_time(db: Database) -> None:
    rate = Rate(2, seconds=3600)
    for _ in range(2):
        rates.take(db, "shop", rate)
    assert not rates.take(db, "shop", rate).allowed
    with db.transaction() as connection:
        connection.execute(update(rate_limits).values(full_at=rate_limits.c.full_at - 1800))
    assert rates.take(db, "shop", rate).allowed
    assert not rates.take(db, "shop", rate).allowed


def test_those_who_ask_at_once_share_one_bucket(db: Database) -> None:
    rate = Rate(5, seconds=3600)
    standings = together(12, lambda _: rates.take(db, "shop", rate))
    assert sum(standing.allowed for standing in standings) == 5


# -- quotas --------------------------------------------------------------------------------------------------------


def hold(db: Database, quota: Quota, *, jobs: int = 0, size: int = 0) -> None:
    with db.transaction() as connection:
        quotas.hold(connection, "ada", quota, jobs=jobs, size=size)


def test_open_jobs_are_counted_and_ended_ones_are_not(book: Book) -> None:
    first, _ = book.submit(), book.submit()
    book.submit(owner="bob")
    hold(book.db, Quota(open_jobs=3), jobs=1)
    with pytest.raises(QuotaExceeded) as refused:
        hold(book.db, Quota(open_jobs=2), jobs=1)
    assert (refused.value.what, refused.value.limit, refused.value.used) == ("jobs", 2, 2)
    cancel.cancel(book.db, first, "ada")
    hold(book.db, Quota(open_jobs=2), jobs=1)
    with pytest.raises(QuotaExceeded):
        hold(book.db, Quota(open_jobs=2), jobs=2)


def test_stored_bytes_are_added_up_until_the_files_are_deleted(db: Database) -> None:
    files = [stored(), stored(), stored(owner="bob")]
    for file in files:
        add_upload(db, file)  # 3 bytes each
    hold(db, Quota(stored_bytes=10), size=4, jobs=1)
    with pytest.raises(QuotaExceeded) as refused:
        hold(db, Quota(stored_bytes=10), size=5)
    assert (refused.value.what, refused.value.limit, refused.value.used) == ("bytes", 10, 6)
    with pytest.raises(QuotaExceeded):
        hold(db, Quota(stored_bytes=6), jobs=1)  # full: nothing that would bring more is begun
    artifacts.mark_deleted(db, [files[0].id])
    hold(db, Quota(stored_bytes=6), size=3)


def test_without_a_quota_nothing_is_counted(db: Database) -> None:
    hold(db, Quota(), jobs=10**9, size=10**18)


# -- audit ---------------------------------------------------------------------------------------------------------


def noted(what: str) -> Act:
    return Act(what, "ada", "key abc", target="a job", request_id="f" * 32, detail={"tag": "x"})


def test_an_act_is_noted_with_what_it_changed_and_not_otherwise(book: Book) -> None:
    job_id = book.submit()
    assert retry_job.retry(book.db, job_id, "ada", noted("retry")) is retry_job.Retrying.NOT_ENDED
    cancel.cancel(book.db, job_id, "bob", noted("cancel"))
    assert audited(book.db, "id") == []
    for _ in range(2):
        cancel.cancel(book.db, job_id, "ada", noted("cancel"))
    retry_job.retry(book.db, job_id, "ada", noted("retry"))
    assert audited(book.db, "act", "by", "owner", "target", "count", "request_id", "detail") == [
        ("cancel", "key abc", "ada", "a job", 1, "f" * 32, {"tag": "x"}),
        ("retry", "key abc", "ada", "a job", 1, "f" * 32, {"tag": "x"}),
    ]


def test_an_act_of_many_transactions_is_noted_before_and_counted_after(db: Database) -> None:
    row_id = audit.begin(db, noted("cancel"))
    assert audited(db, "count") == [(None,)]
    audit.end(db, row_id, 312)
    assert audited(db, "count") == [(312,)]


# -- secrets and shared things -------------------------------------------------------------------------------------


def test_a_secret_is_made_once(db: Database) -> None:
    made = together(8, lambda _: kept_secret(db, "links"))
    assert len(set(made)) == 1
    assert len(made[0]) >= 43
    assert kept_secret(db, "links") == made[0]
    assert kept_secret(db, "other") != made[0]


def test_shared_things_are_read_as_their_owner(book: Book) -> None:
    job_id = book.submit()
    ours, loose = stored(job_id=job_id, task_name="only"), stored(owner="bob")
    for file in (ours, loose):
        add_upload(book.db, file)
    assert ownership.owner_of_job(book.db, job_id) == "ada"
    assert ownership.owner_of_job(book.db, new_id()) is None
    assert ownership.owner_of_artifact(book.db, loose.id) == "bob"
    assert ownership.owner_of_artifact(book.db, new_id()) is None
    assert ownership.owner_of_artifact(book.db, ours.id, of_job=job_id) == "ada"
    assert ownership.owner_of_artifact(book.db, loose.id, of_job=job_id) is None
