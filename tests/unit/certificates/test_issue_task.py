"""`certificates.issue` with the built-in issuer: no network, no server, real certificates."""

import asyncio
import gc
import hashlib
import io
import threading
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.certificates import IssueCertificates
from bureau.contracts.errors import PermanentError, Stopped
from bureau.services.certificates.api.client import CertificatesApi
from bureau.services.certificates.issuer.settings import IssuerSettings
from bureau.services.certificates.service import certificates_api
from bureau.services.certificates.settings import CertificatesSettings
from bureau.services.certificates.tasks import issue_task
from bureau.stop_token import StopReason
from tests.support.context import FakeContext, noted
from tests.support.on_loop import closing, run
from tests.support.waiting import until

ROSTER = b"recipient,course\nAda Lovelace,Engines\nGrace Hopper,Compilers\n"


@pytest.fixture
def ctx(tmp_path: Path) -> FakeContext:
    return FakeContext(tmp_path / "storage")


@pytest.fixture
def api() -> Iterator[CertificatesApi]:
    made = certificates_api(CertificatesSettings(), IssuerSettings())
    yield made
    asyncio.run(made.close())


def upload(ctx: FakeContext, data: bytes = ROSTER, name: str = "spring.csv") -> ArtifactRef:
    return ctx.add_file(name, "text/csv", data)


def test_rosters_become_one_checked_archive_and_the_uploads_are_removed(ctx: FakeContext, api: CertificatesApi) -> None:
    files = [upload(ctx), upload(ctx, b"recipient\nEmmy Noether\n", "autumn.csv")]
    result = run(ctx.stop, issue_task(api, CertificatesSettings().limits, noted)(ctx, IssueCertificates(files=files)))
    data = ctx.read(result.archive)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.namelist()) == result.members == 5
        assert "2-autumn/1-Emmy-Noether.pdf" in archive.namelist()
    assert result.bytes == len(data)
    assert result.sha256 == hashlib.sha256(data).hexdigest()
    assert ctx.removed == files


def test_the_archive_is_named_after_its_task(ctx: FakeContext, api: CertificatesApi) -> None:
    run(ctx.stop, issue_task(api, CertificatesSettings().limits, noted)(ctx, IssueCertificates(files=[upload(ctx)])))
    assert list(ctx.artifacts) == [f"certificates-{ctx.task_id.hex[-12:]}.zip"]
    (made,) = ctx.artifacts.values()
    assert made.media_type == "application/zip"


def test_log_and_progress_tell_what_happens(ctx: FakeContext, api: CertificatesApi) -> None:
    run(ctx.stop, issue_task(api, CertificatesSettings().limits, noted)(ctx, IssueCertificates(files=[upload(ctx)])))
    assert ctx.logs[0] == f"sending 1 file ({len(ROSTER)} bytes) to the certificate issuer"
    assert ctx.logs[1].startswith("received an archive of")
    assert ctx.logs[2] == "checked 4 files: names, sizes and checksums are right"
    assert (2, 2, "certificates") in ctx.reports
    assert ctx.reports[-1] == (4, 4, "files checked")


def test_a_name_given_with_the_reference_is_the_one_the_issuer_sees(ctx: FakeContext, api: CertificatesApi) -> None:
    renamed = [
        ArtifactRef(artifact=upload(ctx, name=f"{n}.csv").artifact, name=f"class {n}.csv") for n in ("one", "two")
    ]
    result = run(ctx.stop, issue_task(api, CertificatesSettings().limits, noted)(ctx, IssueCertificates(files=renamed)))
    with zipfile.ZipFile(io.BytesIO(ctx.read(result.archive))) as archive:
        assert "1-class-one/1-Ada-Lovelace.pdf" in archive.namelist()


def test_a_bad_roster_fails_with_its_lines_and_leaves_nothing_but_the_upload(
    ctx: FakeContext, api: CertificatesApi
) -> None:
    file = upload(ctx, b"recipient,email\nAda,nowhere\n,\n,x\n")
    before = ctx.storage_keys
    with pytest.raises(PermanentError, match="line 2: email “nowhere” is not an address") as caught:
        run(ctx.stop, issue_task(api, CertificatesSettings().limits, noted)(ctx, IssueCertificates(files=[file])))
    assert "API" not in caught.value.message
    assert ("spring.csv", 4, "recipient is empty") in [
        (detail.file, detail.line, detail.message) for detail in caught.value.details
    ]
    assert (ctx.storage_keys, ctx.artifacts, ctx.removed) == (before, {}, [])


def test_an_archive_that_breaks_a_limit_is_kept_marked_as_refused(ctx: FakeContext, api: CertificatesApi) -> None:
    file = upload(ctx)
    strict = CertificatesSettings(certificates_max_members=2).limits
    with pytest.raises(PermanentError, match="4 members, more than the 2 allowed"):
        run(ctx.stop, issue_task(api, strict, noted)(ctx, IssueCertificates(files=[file])))
    assert list(ctx.kept) == [f"refused-certificates-{ctx.task_id.hex[-12:]}.zip"]
    assert ctx.removed == []


def test_a_missing_upload_fails_for_good(ctx: FakeContext, api: CertificatesApi) -> None:
    gone = ArtifactRef(artifact=ctx.job_id)
    with pytest.raises(PermanentError, match="There is no file"):
        run(ctx.stop, issue_task(api, CertificatesSettings().limits, noted)(ctx, IssueCertificates(files=[gone])))


def test_trying_again_makes_the_same_archive(ctx: FakeContext, api: CertificatesApi) -> None:
    task = issue_task(api, CertificatesSettings().limits, noted)
    request = IssueCertificates(files=[upload(ctx)])
    first = run(ctx.stop, task(ctx, request))
    ctx.claim_no += 1
    assert run(ctx.stop, task(ctx, request)).sha256 == first.sha256


def test_a_cancel_ends_a_long_roster_in_the_middle(ctx: FakeContext, api: CertificatesApi) -> None:
    file = upload(ctx, b"recipient\n" + b"Ada Lovelace\n" * 4000)
    before = ctx.storage_keys
    ended: list[BaseException] = []

    def issue() -> None:
        try:
            run(ctx.stop, issue_task(api, CertificatesSettings().limits, noted)(ctx, IssueCertificates(files=[file])))
        except Stopped as stopped:
            ended.append(stopped)

    thread = threading.Thread(target=issue)
    thread.start()
    until(lambda: any(note == "certificates" and done > 3 for done, _, note in ctx.reports), 30, "certificates made")
    ctx.stop.set(StopReason.CANCELLED)
    thread.join(2)
    assert not thread.is_alive()
    assert len(ended) == 1
    assert (ctx.storage_keys, ctx.artifacts, ctx.removed) == (before, {}, [])


def test_the_task_announces_the_schemas_of_the_contract(api: CertificatesApi) -> None:
    description = issue_task(api, CertificatesSettings().limits, noted).description
    assert (description.name, description.queue) == ("certificates.issue", "certificates")
    assert set(description.input_schema["properties"]) == {"files", "deliver", "subject", "encoding", "language"}
    made = {"certificates", "errors", "language", "not_mailed", "mails"}
    assert set(description.result_schema["properties"]) == {"archive", "members", "bytes", "sha256"} | made


def test_a_roster_that_is_too_large_is_refused_without_being_held(ctx: FakeContext) -> None:
    file = upload(ctx, b"recipient\n" + b"x" * 30_000_000)
    small = certificates_api(CertificatesSettings(), IssuerSettings(issuer_max_request_bytes=1_000_000))
    issuing = issue_task(small, CertificatesSettings().limits, noted)(ctx, IssueCertificates(files=[file]))
    gc.collect()
    tracemalloc.start()
    try:
        with pytest.raises(PermanentError):
            run(ctx.stop, closing(small, issuing))
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
