"""Lists of jobs: filters, and pages that neither repeat nor lose a job while others are added."""

from datetime import timedelta, timezone
from uuid import UUID

import pytest

from bureau.ledger.db.sql_time import later
from bureau.ledger.jobs import cancel
from bureau.ledger.reads import job_queries
from bureau.ledger.reads.job_queries import JobFilter, JobRow
from tests.support.ledger.book import Book, again, failed, task

ALL = JobFilter()


def listed(book: Book, wanted: JobFilter = ALL, owner: str = "ada") -> list[UUID]:
    return [row.id for row in job_queries.jobs_of(book.db, owner, wanted, before=None, limit=200)]


def pages(book: Book, limit: int) -> list[list[JobRow]]:
    found: list[list[JobRow]] = []
    before = None
    while page := job_queries.jobs_of(book.db, "ada", ALL, before=before, limit=limit):
        found.append(page)
        before = (page[-1].created_at, page[-1].id)
    return found


def test_the_newest_job_comes_first(book: Book) -> None:
    ids = [book.submit() for _ in range(5)]
    for age, job_id in enumerate(ids):
        book.set_job(job_id, created_at=later(-age))
    assert listed(book) == ids


def test_only_the_owners_jobs_are_listed(book: Book) -> None:
    mine, _ = book.submit(), book.submit(owner="bob")
    assert listed(book) == [mine]


def test_a_row_tells_the_job_in_short(book: Book) -> None:
    job_id = book.submit(task("a"), task("b"), title="T", tags=("x", "y"), kind="email", priority=1)
    book.run(job_id, "a", failed())
    (row,) = job_queries.jobs_of(book.db, "ada", ALL, before=None, limit=1)
    assert (row.id, row.title, row.tags, row.kind, row.priority) == (job_id, "T", ["x", "y"], "email", 1)
    assert (row.state, row.counts) == ("running", {"failed": 1, "queued": 1})
    assert row.started_at is not None
    assert (row.finished_at, row.error) == (None, None)


def test_pages_hold_every_job_once(book: Book) -> None:
    ids = {book.submit() for _ in range(11)}
    found = pages(book, 4)
    assert [len(page) for page in found] == [4, 4, 3]
    assert {row.id for page in found for row in page} == ids


def test_jobs_of_the_same_moment_are_paged_by_their_ids(book: Book) -> None:
    ids = [book.submit() for _ in range(7)]
    at = book.job(ids[0]).created_at
    for job_id in ids:
        book.set_job(job_id, created_at=at)
    found = [row.id for page in pages(book, 2) for row in page]
    assert found == sorted(ids, reverse=True)


def test_pages_stay_as_they_were_while_jobs_are_added(book: Book) -> None:
    ids = [book.submit() for _ in range(6)]
    for age, job_id in enumerate(ids):
        book.set_job(job_id, created_at=later(-60 - age))
    first = job_queries.jobs_of(book.db, "ada", ALL, before=None, limit=3)
    for _ in range(4):
        book.submit()
    second = job_queries.jobs_of(book.db, "ada", ALL, before=(first[-1].created_at, first[-1].id), limit=3)
    assert [row.id for row in (*first, *second)] == ids


def test_a_cursor_in_another_zone_is_the_same_moment(book: Book) -> None:
    ids = [book.submit() for _ in range(3)]
    for age, job_id in enumerate(ids):
        book.set_job(job_id, created_at=later(-60 - age))
    (first,) = job_queries.jobs_of(book.db, "ada", ALL, before=None, limit=1)
    elsewhere = first.created_at.astimezone(timezone(timedelta(hours=5)))
    rest = job_queries.jobs_of(book.db, "ada", ALL, before=(elsewhere, first.id), limit=5)
    assert [row.id for row in rest] == ids[1:]


def test_jobs_are_found_by_kind_tag_and_title(book: Book) -> None:
    report = book.submit(kind="report", title="Sales 100% of March", tags=("march", "sales"))
    mail = book.submit(kind="email", title="Invitation_1", tags=("march",))
    assert listed(book, JobFilter(kind="report")) == [report]
    assert listed(book, JobFilter(tag="sales")) == [report]
    assert set(listed(book, JobFilter(tag="march"))) == {report, mail}
    assert listed(book, JobFilter(tag="mar")) == []
    assert listed(book, JobFilter(q="sales")) == [report]
    assert listed(book, JobFilter(q="0% OF")) == [report]
    assert listed(book, JobFilter(q="_1")) == [mail]
    assert listed(book, JobFilter(q="%")) == [report]
    assert listed(book, JobFilter(kind="email", tag="march", q="invit")) == [mail]


def test_jobs_are_found_by_when_they_were_created(book: Book) -> None:
    old, new = book.submit(), book.submit()
    book.set_job(old, created_at=later(-3600))
    between = book.job(new).created_at - timedelta(minutes=30)
    assert listed(book, JobFilter(created_after=between)) == [new]
    assert listed(book, JobFilter(created_before=between)) == [old]


def test_jobs_are_found_by_the_apis_states(book: Book) -> None:
    found = {
        "scheduled": book.submit(delay_seconds=60),
        "queued": book.submit(task("a"), task("b", "a")),
        "running": book.submit(),
        "succeeded": book.submit(),
        "failed": book.submit(),
        "cancelled": book.submit(),
    }
    book.take(found["running"])
    book.run(found["succeeded"])
    book.run(found["failed"], ending=failed())
    cancel.cancel(book.db, found["cancelled"], "ada")
    for state, job_id in found.items():
        assert listed(book, JobFilter(states=(state,))) == [job_id]
    both = listed(book, JobFilter(states=("queued", "failed")))
    assert set(both) == {found["queued"], found["failed"]}


@pytest.mark.parametrize("step", ["retrying", "between tasks", "asked to stop"])
def test_a_list_and_its_filter_agree_on_what_runs(book: Book, step: str) -> None:
    job_id = book.submit(task("a"), task("b", "a"))
    if step == "retrying":
        book.run(job_id, "a", again(3600))
    elif step == "between tasks":
        book.run(job_id, "a")
    else:
        book.take(job_id, "a")
        cancel.cancel(book.db, job_id, "ada")
    assert listed(book, JobFilter(states=("running",))) == [job_id]
    (row,) = job_queries.jobs_of(book.db, "ada", ALL, before=None, limit=1)
    assert row.state == "running"
