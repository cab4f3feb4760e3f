"""Submission: jobs with their tasks in one transaction."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from bureau.contracts.jobs.states import When
from bureau.ledger.db.tables import artifact_uses, jobs, tasks
from bureau.ledger.files.artifacts import ArtifactGone
from bureau.ledger.jobs.submit import submit
from tests.support.ledger.book import Book, add_upload, again, stored, task


def test_a_new_job_is_open_with_its_first_task_ready_and_due(book: Book) -> None:
    job_id = book.submit(task("a", input={"n": [1, None, "ü"]}), task("b", "a"), title="Quarter", tags=("x", "y"))

    job = book.job(job_id)
    assert (job.state, job.total_tasks, job.open_tasks, job.title, job.tags) == ("open", 2, 2, "Quarter", ["x", "y"])
    assert book.states(job_id) == {"a": "ready", "b": "waiting"}
    assert book.task(job_id, "a").input == {"n": [1, None, "ü"]}
    assert book.task(job_id, "a").due_at <= datetime.now(UTC) + timedelta(seconds=1)
    assert book.task(job_id, "b").upstream_open == 1
    assert book.claim(job_id, "a") is not None


def test_tasks_keep_the_order_they_were_given_in(book: Book) -> None:
    names = [f"t{n:03}" for n in range(150)]
    job_id = book.submit(*(task(name) for name in reversed(names)))
    assert [row.name for row in book.tasks(job_id)] == list(reversed(names))


def test_several_jobs_are_submitted_in_one_call(book: Book) -> None:
    new = [book.new_job(title=str(n)) for n in range(5)]
    submit(book.db, new)
    assert [book.job(job.id).title for job in new] == ["0", "1", "2", "3", "4"]


def test_one_job_that_cannot_be_stored_leaves_none(book: Book) -> None:
    upload = stored()
    good, bad = book.new_job(), book.new_job(uses=(upload.id,))
    with pytest.raises(ArtifactGone) as gone:
        submit(book.db, [good, bad])
    assert gone.value.missing == [upload.id]
    with book.db.read() as connection:
        assert connection.execute(select(func.count()).select_from(jobs)).scalar_one() == 0
        assert connection.execute(select(func.count()).select_from(tasks)).scalar_one() == 0


def test_a_job_may_refer_to_files_of_its_owner_only(book: Book) -> None:
    mine, theirs = stored(), stored(owner="bob")
    add_upload(book.db, mine)
    add_upload(book.db, theirs)
    with pytest.raises(ArtifactGone) as gone:
        book.submit(uses=(mine.id, theirs.id))
    assert gone.value.missing == [theirs.id]


def test_the_files_a_job_refers_to_are_noted_once(book: Book) -> None:
    upload = stored()
    add_upload(book.db, upload)
    job_id = book.submit(uses=(upload.id, upload.id))
    with book.db.read() as connection:
        assert connection.execute(select(artifact_uses)).all() == [(upload.id, job_id)]


def test_a_job_with_a_delay_is_due_after_it(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"), delay_seconds=3600)
    due_at = book.task(job_id, "a").due_at
    assert timedelta(minutes=59) < due_at - datetime.now(UTC) <= timedelta(minutes=60, seconds=1)
    assert book.job(job_id).run_at == due_at or abs(book.job(job_id).run_at - due_at) < timedelta(seconds=1)
    assert book.claim(job_id, "a") is None


def test_a_job_with_a_time_is_due_then_to_the_microsecond(book: Book) -> None:
    at = datetime(2199, 12, 31, 23, 59, 59, 123456, tzinfo=UTC)
    job_id = book.submit(run_at=at)
    assert book.task(job_id).due_at == at
    assert book.job(job_id).run_at == at
    assert book.claim(job_id) is None


def test_a_time_in_another_zone_is_the_same_moment(book: Book) -> None:
    paris = datetime.fromisoformat("2199-07-01T08:00:00+02:00")
    assert book.task(book.submit(run_at=paris)).due_at == datetime(2199, 7, 1, 6, tzinfo=UTC)


def test_a_time_that_is_past_means_at_once(book: Book) -> None:
    job_id = book.submit(run_at=datetime(2001, 1, 1, tzinfo=UTC))
    assert book.claim(job_id) is not None


def test_a_task_named_twice_in_after_is_waited_for_once(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a a"))
    book.run(job_id, "a")
    assert book.states(job_id)["b"] == "ready"


def test_a_thousand_tasks_after_one_become_ready_when_it_ends(book: Book) -> None:
    job_id = book.submit(task("first"), *(task(f"t{n}", "first") for n in range(998)), task("last", "first"))
    assert book.run(job_id, "first").woke
    assert {state for name, state in book.states(job_id).items() if name != "first"} == {"ready"}


def test_one_task_after_a_thousand_waits_for_all(book: Book) -> None:
    names = [f"t{n}" for n in range(999)]
    job_id = book.submit(*(task(name) for name in names), task("last", " ".join(names), when=When.ENDED))
    assert book.task(job_id, "last").upstream_open == 999


def test_the_number_of_a_tasks_attempts_and_its_times_are_its_own(book: Book) -> None:
    job_id = book.submit(task("a", time_limit_seconds=12.5), task("b"))
    assert book.task(job_id, "a").time_limit_seconds == 12.5
    assert book.task(job_id, "b").time_limit_seconds == 1800
    book.run(job_id, "a", again(3600))
    assert book.states(job_id) == {"a": "ready", "b": "ready"}
    assert book.claim(job_id, "b") is not None
