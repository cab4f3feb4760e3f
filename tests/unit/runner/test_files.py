"""Files of an execution: the job's when it succeeded, gone when it did not, and only its owner's are read."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import insert

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.errors import PermanentError, TransientError
from bureau.contracts.ids import new_id
from bureau.ledger.db.tables import attempts
from bureau.ledger.files import artifacts
from bureau.ledger.files.artifacts import StoredArtifact
from bureau.ledger.reads import job_queries
from bureau.stop_token import StopReason
from bureau.task import Context
from tests.support.ledger.book import add_upload, stored
from tests.unit.runner.conftest import Bench


def shown(bench: Bench, job_id: UUID) -> list[StoredArtifact]:
    view = job_queries.job(bench.db, job_id, "ada")
    assert view is not None
    return view.artifacts


def upload(bench: Bench, data: bytes = b"rows", owner: str = "ada") -> ArtifactRef:
    file = replace(stored(owner=owner), size=len(data))
    bench.storage.put(file.key, [data])
    add_upload(bench.db, file)
    return ArtifactRef(artifact=file.id)


def test_a_file_is_the_jobs_when_its_task_succeeded(bench: Bench) -> None:
    def work(ctx: Context) -> str:
        with ctx.artifact("../re\x00port.csv", "text/csv") as file:
            file.write(b"a,")
            file.write(b"b\n")
        assert (file.size, len(file.sha256)) == (4, 64)
        return str(file.ref.artifact)

    job_id = bench.run(work)
    (made,) = shown(bench, job_id)
    assert (made.name, made.media_type, made.size, made.task) == ("re_port.csv", "text/csv", 4, "only")
    assert str(made.id) == bench.book.task(job_id).result
    assert b"".join(bench.storage.read(made.key)) == b"a,b\n"
    assert made.key == f"jobs/{job_id}/{bench.book.task(job_id).id}.1.{made.id}"


@pytest.mark.parametrize(
    "media_type", ["", "csv", "text/csv\r\nX: y", "text/\ud800", "text/csv\0", "text/" + "x" * 260, "text/csv; ö"]
)
def test_a_file_whose_media_type_is_none_fails_its_task_for_good(bench: Bench, media_type: str) -> None:
    def work(ctx: Context) -> None:
        with ctx.artifact("rows.csv", media_type) as file:
            file.write(b"x")

    job_id = bench.run(work)
    error = bench.book.task(job_id).error
    assert (error["code"], error["retryable"]) == ("media_type_invalid", False)
    assert "rows.csv" in error["message"]
    assert bench.stored_keys() == []


@pytest.mark.parametrize(
    "media_type", ["text/csv", "text/csv; charset=utf-8", "application/vnd.ms-excel", "image/svg+xml"]
)
def test_a_media_type_stays_as_it_was_given(bench: Bench, media_type: str) -> None:
    def work(ctx: Context) -> None:
        with ctx.artifact("a", media_type) as file:
            file.write(b"x")

    (made,) = shown(bench, bench.run(work))
    assert made.media_type == media_type


@pytest.mark.parametrize(
    "error", [TransientError("away", "Away."), PermanentError("no", "No."), ValueError("odd"), SystemExit()]
)
def test_files_of_a_failure_are_deleted(bench: Bench, error: BaseException) -> None:
    def work(ctx: Context) -> None:
        with ctx.artifact("a", "text/plain") as file:
            file.write(b"x")
        raise error

    job_id = bench.run(work)
    assert shown(bench, job_id) == []
    assert bench.stored_keys() == []


def test_files_of_what_was_handed_back_are_deleted(bench: Bench) -> None:
    def work(ctx: Context) -> None:
        with ctx.artifact("a", "text/plain") as file:
            file.write(b"x")
        ctx.stop.set(StopReason.SHUTDOWN)
        ctx.stop.check()

    assert bench.book.outcomes(bench.run(work)) == ["handed_back"]
    assert bench.stored_keys() == []


def test_files_of_a_lost_claim_are_deleted_and_those_of_the_winner_stay(bench: Bench) -> None:
    def work(ctx: Context) -> None:
        with ctx.artifact("a", "text/plain") as file:
            file.write(str(ctx.claim_no).encode())
        if ctx.claim_no == 1:  # its lease ended, and another worker was quicker
            bench.book.set(ctx.task_id, state="ready", lease_until=None)
            _record_the_crash(bench, ctx)
            bench.give(ctx.job_id)

    job_id = bench.run(work)
    (made,) = shown(bench, job_id)
    assert bench.stored_keys() == [made.key]
    assert b"".join(bench.storage.read(made.key)) == b"2"


def _record_the_crash(bench: Bench, ctx: Context) -> None:
    with bench.db.transaction() as connection:
        connection.execute(
            insert(attempts).values(task_id=ctx.task_id, claim_no=1, outcome="crashed", ended_at=datetime.now(UTC))
        )


def test_a_file_whose_block_failed_is_not_there(bench: Bench) -> None:
    def work(ctx: Context) -> None:
        try:
            with ctx.artifact("a", "text/plain") as file:
                file.write(b"half")
                raise ValueError
        except ValueError:
            return

    job_id = bench.run(work)
    assert bench.book.task(job_id).state == "succeeded"
    assert shown(bench, job_id) == []
    assert bench.stored_keys() == []


def test_a_stored_file_is_read_under_its_own_or_a_given_name(bench: Bench) -> None:
    ref = upload(bench)

    def work(ctx: Context) -> list[str]:
        with ctx.open(ref) as file:
            content = file.file.read().decode()
        with ctx.open(ArtifactRef(artifact=ref.artifact, name="b.txt")) as renamed:
            return [file.name, renamed.name, content]

    assert bench.book.task(bench.run(work)).result == ["a.txt", "b.txt", "rows"]


def test_a_task_reads_what_it_has_just_written(bench: Bench) -> None:
    def work(ctx: Context) -> str:
        with ctx.artifact("a", "text/plain") as file:
            file.write(b"fresh")
        with ctx.open(file.ref) as again:
            return again.file.read().decode()

    assert bench.book.task(bench.run(work)).result == "fresh"


@pytest.mark.parametrize("whose", ["nobody's", "another owner's", "removed"])
def test_a_file_that_is_not_the_owners_fails_the_task(bench: Bench, whose: str) -> None:
    ref = ArtifactRef(artifact=new_id())
    if whose == "another owner's":
        ref = upload(bench, owner="bob")
    elif whose == "removed":
        ref = upload(bench)
        with bench.db.transaction() as connection:
            connection.exec_driver_sql("UPDATE artifacts SET removed_at = '2026-01-01 00:00:00'")

    def work(ctx: Context) -> None:
        with ctx.open(ref):
            raise AssertionError("not reached")

    row = bench.book.task(bench.run(work))
    assert (row.state, row.error["code"]) == ("failed", "artifact_not_found")
    assert str(ref.artifact) in row.error["message"]


def test_files_that_a_task_removes_are_gone_after_it_succeeded(bench: Bench) -> None:
    ref = upload(bench)

    def work(ctx: Context, fail: bool = True) -> None:
        ctx.remove(ref)
        if ctx.attempt == 1:
            raise TransientError("once", "Once.", retry_after=0)

    job_id = bench.run(work, uses=(ref.artifact,))
    assert artifacts.find(bench.db, ref.artifact, "ada") is not None
    bench.book.make_due(bench.book.task(job_id).id)
    bench.give(job_id)
    assert bench.book.task(job_id).state == "succeeded"
    assert artifacts.find(bench.db, ref.artifact, "ada") is None
