"""What the console reads: the last hour, failures by cause, who works on what, ids by letters."""

import pytest

from bureau.ledger.access import audit
from bureau.ledger.access.audit import EVERYBODY, Act, note
from bureau.ledger.db.sql_time import later
from bureau.ledger.jobs.many.job_filter import JobFilter
from bureau.ledger.reads import failures, id_part, job_queries
from bureau.ledger.reads.event_history import declared, last_events
from bureau.ledger.reads.queue_stats import survey
from bureau.ledger.reads.running_tasks import at_work
from bureau.ledger.reads.throughput import clock, minutes, whole_minute
from tests.support.ledger.book import Book, again, attempts_at_most, failed, task


def test_ends_are_counted_by_queue_and_minute(book: Book) -> None:
    since = whole_minute(clock(book.db))
    for _ in range(2):
        book.run(book.submit())
    book.run(book.submit(), ending=failed())
    book.submit()
    found = minutes(book.db, since)
    assert {one.queue for one in found} == {"shop"}
    assert (sum(one.succeeded for one in found), sum(one.failed for one in found)) == (2, 1)
    assert all(since <= one.at <= clock(book.db) for one in found)


def test_failures_are_grouped_by_task_and_code(book: Book) -> None:
    ids = [book.submit() for _ in range(3)]
    for job_id in ids[:2]:
        book.run(job_id, ending=failed("away", "It does not answer."))
    book.run(ids[2], ending=failed("broken"))
    book.run(book.submit(owner="bob"), ending=failed("away"))
    found = failures.groups(book.db, "ada", seconds=3600)
    assert found.all_counted
    assert [(group.run, group.code, group.count) for group in found.groups] == [
        ("shop.work", "away", 2),
        ("shop.work", "broken", 1),
    ]
    first = found.groups[0]
    assert (first.sample, first.message) == (ids[1], "It does not answer.")
    assert first.first_at <= first.last_at


def test_failures_of_long_ago_are_not_there(book: Book) -> None:
    job_id = book.submit()
    book.run(job_id, ending=failed())
    book.set_job(job_id, finished_at=later(-3601))
    assert failures.groups(book.db, "ada", seconds=3600).groups == []


def test_the_jobs_of_a_group_are_found_by_its_cause(book: Book) -> None:
    away, broken = book.submit(), book.submit()
    book.run(away, ending=failed("away"))
    book.run(broken, ending=failed("broken"))

    def ids(wanted: JobFilter) -> list[object]:
        return [row.id for row in job_queries.jobs_of(book.db, "ada", wanted, before=None, limit=9)]

    assert ids(JobFilter(error_code="away", failed_run="shop.work")) == [away]
    assert ids(JobFilter(error_code="away", failed_run="shop.other")) == []
    assert ids(JobFilter(finished_after=book.job(away).finished_at)) == [broken]


def test_a_search_may_be_bound_to_the_newest_jobs(book: Book) -> None:
    old, new = book.submit(title="Same"), book.submit(title="Same")
    book.set_job(old, created_at=later(-60))
    for among, found in ((1, [new]), (2, [new, old]), (3, [new, old])):
        rows = job_queries.jobs_of(book.db, "ada", JobFilter(q="same"), before=None, limit=9, among=among)
        assert [row.id for row in rows] == found


def test_tasks_that_are_due_later_are_counted(book: Book) -> None:
    book.run(book.submit(), ending=again(60, counted=False))
    book.run(book.submit(attempts_at_most(3)), ending=again(60))
    (queue,) = survey(book.db)
    assert (queue.later, queue.retrying) == (2, 2)


def test_each_worker_s_tasks_are_known(book: Book) -> None:
    job_id = book.submit()
    book.take(job_id, worker="w-1")
    found = at_work(book.db)
    assert [(one.job_id, one.run) for one in found["w-1"]] == [(job_id, "shop.work")]
    assert set(found) == {"w-1"}


def test_any_part_of_an_id_is_enough(book: Book) -> None:
    first, job_id = book.submit(), book.submit()
    book.submit(owner="bob")
    digits = job_id.hex
    for text in (digits[-8:], digits[10:22], digits.upper(), str(job_id)[9:30], str(job_id), f" {digits[-8:]} "):
        assert id_part.jobs_with(book.db, "ada", text, limit=9) == [job_id]
    assert id_part.jobs_with(book.db, "ada", digits[:6], limit=9) == [job_id, first]  # ids of hours begin alike
    for text in ("", "abc", "monthly", "0" * 33, "f" * 10):
        assert id_part.jobs_with(book.db, "ada", text, limit=9) == []


def test_only_the_newest_jobs_are_looked_through_unless_the_time_of_an_id_is_given(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(id_part, "AMONG", 2)
    old, *newer = [book.submit() for _ in range(3)]
    assert [id_part.jobs_with(book.db, "ada", one.hex[-8:], limit=9) for one in newer] == [[one] for one in newer]
    assert id_part.jobs_with(book.db, "ada", old.hex[-8:], limit=9) == []
    assert id_part.jobs_with(book.db, "ada", old.hex[:20], limit=9) == [old]
    second = job_queries.jobs_by_id(book.db, "ada", newer[:1])[0].created_at
    assert id_part.jobs_with(book.db, "ada", old.hex[-8:], limit=9, created_before=second) == [old]


def test_the_audit_shows_ones_own_and_everybodys(book: Book) -> None:
    with book.db.transaction() as connection:
        for act, owner in (("job.retry", "ada"), ("job.retry", "bob"), ("queue.pause", EVERYBODY)):
            note(connection, Act(act, owner, "local"))
    rows = audit.listed(book.db, "ada", act=None, before=None, limit=9)
    assert [row.act for row in rows] == ["queue.pause", "job.retry"]
    assert [row.act for row in audit.listed(book.db, "ada", act=None, before=rows[0].id, limit=9)] == ["job.retry"]
    assert [row.owner for row in audit.listed(book.db, "ada", act="job.retry", before=None, limit=9)] == ["ada"]


def test_a_job_s_story_is_its_owners(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", after="a"))
    book.run(job_id, "a")
    assert [(one.name, one.after) for one in declared(book.db, job_id, "ada")] == [("a", []), ("b", ["a"])]
    assert declared(book.db, job_id, "bob") == []
    told = last_events(book.db, job_id, limit=1)
    assert [event.type for event in told] == ["task.succeeded"]
