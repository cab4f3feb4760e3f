"""Files of an execution: they are the job's when it succeeded, and only then."""

import threading
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from bureau.ledger.db.database import Database
from bureau.ledger.files import artifacts
from bureau.ledger.files.artifacts import StoredArtifact
from bureau.ledger.jobs.finish import FinishResult, finish
from bureau.ledger.jobs.outcome import Released, Succeeded
from tests.support.ledger.book import Book, add_upload, again, failed, stored, task
from tests.support.waiting import until


def shown(book: Book, job_id: UUID) -> list[StoredArtifact]:
    with book.db.read() as connection:
        return artifacts.of_job(connection, job_id)


def test_files_are_visible_after_success(book: Book) -> None:
    job_id = book.submit()
    claimed = book.take(job_id)
    made = stored(job_id=job_id, task_name="only", name="report.csv")
    assert artifacts.find(book.db, made.id, "ada") is None
    book.finish(claimed, Succeeded(None, made=[made]))
    found = artifacts.find(book.db, made.id, "ada")
    assert found is not None
    assert abs(found.created_at - book.task(job_id).finished_at) < timedelta(seconds=1)
    assert (found.name, found.key, found.size, found.task) == ("report.csv", made.key, 3, "only")
    assert [artifact.id for artifact in shown(book, job_id)] == [made.id]
    assert artifacts.kept_keys(book.db, [made.key, "other"]) == {made.key}


def test_a_claim_brings_the_owners_files_that_its_input_names(book: Book) -> None:
    listed, named, deep, theirs, gone = (stored(owner=owner) for owner in ("ada", "ada", "ada", "bob", "ada"))
    for upload in (listed, named, deep, theirs):
        add_upload(book.db, upload)
    refs = {one.id: {"artifact": str(one.id), "name": "b.txt"} for one in (listed, named, deep, theirs, gone)}
    job_id = book.submit(
        task(
            input={
                "files": [refs[listed.id], refs[theirs.id], refs[gone.id], "x", {"artifact": "no id"}],
                "logo": refs[named.id],
                "more": {"deep": [refs[deep.id]]},
                "count": 4,
            }
        )
    )
    files = book.take(job_id).files
    assert {one.key for one in files.values()} == {listed.key, named.key}
    assert files.keys() == {listed.id, named.id}


def test_a_claim_reads_only_the_beginning_of_a_huge_input(book: Book) -> None:
    files = [stored() for _ in range(60)]
    for upload in files:
        add_upload(book.db, upload)
    job_id = book.submit(task(input={"files": [{"artifact": str(one.id)} for one in files] * 1000}))
    assert book.take(job_id).files.keys() == {one.id for one in files[:50]}


def test_files_looked_for_together_come_in_the_order_of_the_question_each_to_its_owner(book: Book) -> None:
    mine, gone, theirs = stored(owner="ada"), stored(owner="ada"), stored(owner="bob")
    for upload in (mine, theirs):
        add_upload(book.db, upload)
    asked = [(theirs.id, "ada"), (mine.id, "ada"), (gone.id, "ada"), (theirs.id, "bob"), (mine.id, "ada")]
    found = artifacts.find_all(book.db, asked)
    assert [one and one.id for one in found] == [None, mine.id, None, theirs.id, mine.id]


def test_a_file_that_a_task_kept_stays_after_a_permanent_failure(book: Book) -> None:
    job_id = book.submit()
    kept = stored(job_id=job_id, task_name="only", name="refused.zip")
    book.run(job_id, ending=replace(failed(), made=[kept]))
    assert [artifact.name for artifact in shown(book, job_id)] == ["refused.zip"]


def test_files_of_a_lost_claim_never_become_visible(book: Book) -> None:
    job_id = book.submit()
    lost = book.lose(job_id)
    made = stored(job_id=job_id, task_name="only")
    assert book.finish(lost, Succeeded(None, made=[made])).fate is FinishResult.DISCARDED
    book.run(job_id)
    assert shown(book, job_id) == []
    assert artifacts.kept_keys(book.db, [made.key]) == set()


def test_a_success_told_twice_has_its_files_once(book: Book) -> None:
    job_id = book.submit()
    claimed = book.take(job_id)
    ending = Succeeded(None, made=[stored(job_id=job_id, task_name="only")])
    book.finish(claimed, ending)
    assert book.finish(claimed, ending).fate is FinishResult.ALREADY
    assert len(shown(book, job_id)) == 1


def test_uploads_are_removed_when_the_task_succeeded(book: Book) -> None:
    upload = stored()
    add_upload(book.db, upload)
    job_id = book.submit(uses=(upload.id,))
    book.run(job_id, ending=again())
    assert artifacts.find(book.db, upload.id, "ada") is not None
    book.run(job_id, ending=Succeeded(None, removed=[upload.id]))
    assert artifacts.find(book.db, upload.id, "ada") is None
    assert artifacts.removed(book.db) == [(upload.id, upload.key)]


def test_a_removed_file_is_forgotten_once_its_bytes_are_deleted(book: Book) -> None:
    upload = stored()
    add_upload(book.db, upload)
    book.run(book.submit(uses=(upload.id,)), ending=Succeeded(None, removed=[upload.id]))
    artifacts.mark_deleted(book.db, [upload.id])
    assert artifacts.removed(book.db) == []
    assert artifacts.find(book.db, upload.id, "ada") is None


def test_other_endings_remove_nothing(book: Book) -> None:
    upload = stored()
    add_upload(book.db, upload)
    job_id = book.submit(uses=(upload.id,))
    for ending in (again(), Released(), failed()):
        book.run(job_id, ending=ending)
    assert artifacts.find(book.db, upload.id, "ada") is not None


def test_an_upload_that_another_job_uses_stays(book: Book) -> None:
    upload = stored()
    add_upload(book.db, upload)
    first, second = book.submit(uses=(upload.id,)), book.submit(uses=(upload.id,))
    book.run(first, ending=Succeeded(None, removed=[upload.id]))
    assert artifacts.find(book.db, upload.id, "ada") is not None
    assert artifacts.removed(book.db) == []
    book.run(second)


def test_a_task_removes_no_file_of_another_owner(book: Book) -> None:
    theirs = stored(owner="bob")
    add_upload(book.db, theirs)
    book.run(book.submit(), ending=Succeeded(None, removed=[theirs.id]))
    assert artifacts.find(book.db, theirs.id, "bob") is not None


def test_a_task_removes_no_file_that_its_job_neither_made_nor_uses(book: Book) -> None:
    loose, of_another = stored(), book.submit()
    add_upload(book.db, loose)
    made = stored(job_id=of_another, task_name="only")
    book.run(of_another, ending=Succeeded(None, made=[made]))
    book.run(book.submit(), ending=Succeeded(None, removed=[loose.id, made.id]))
    assert artifacts.find(book.db, loose.id, "ada") is not None
    assert artifacts.find(book.db, made.id, "ada") is not None


def test_a_task_may_remove_what_a_task_before_it_made(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"))
    made = stored(job_id=job_id, task_name="a")
    book.run(job_id, "a", Succeeded(None, made=[made]))
    book.run(job_id, "b", Succeeded(None, removed=[made.id]))
    assert shown(book, job_id) == []


def test_an_upload_that_a_submission_under_way_refers_to_is_not_removed(postgres_db: Database) -> None:
    """The submission has locked the file and not committed yet when the other job's task succeeds."""
    book = Book(postgres_db)
    upload = stored()
    add_upload(book.db, upload)
    claimed = book.take(book.submit(uses=(upload.id,)))
    second = book.submit()
    ended = threading.Thread(target=lambda: finish(book.db, claimed, Succeeded(None, removed=[upload.id])), daemon=True)
    with book.db.transaction() as submission:
        artifacts.use(submission, second, "ada", [upload.id])
        ended.start()
        until(lambda: _waits_for_a_lock(book.db), message="finish waits for the file")
    ended.join(10)
    assert artifacts.find(book.db, upload.id, "ada") is not None


def _waits_for_a_lock(db: Database) -> bool:
    with db.read() as connection:
        waiting = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(waiting.scalar_one())
