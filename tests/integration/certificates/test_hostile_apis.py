"""A hostile or broken certificates API: a clear error, nothing left behind, and a control job that ends normally."""

import gc
import io
import struct
import threading
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.certificates import CertificatesIssued, IssueCertificates
from bureau.contracts.errors import PermanentError, Stopped, TaskError, TransientError
from bureau.services.certificates.issuer.settings import IssuerSettings
from bureau.services.certificates.service import certificates_api
from bureau.services.certificates.settings import CertificatesSettings
from bureau.services.certificates.tasks import issue_task
from bureau.stop_token import StopReason
from tests.support import archives
from tests.support.archives import archive
from tests.support.context import FakeContext, noted
from tests.support.on_loop import closing, run
from tests.support.servers.http_servers import Behaviour, ends_early, hangs, http_server, never_ends, replies, resets
from tests.support.waiting import until

SOUND = archive(("ada.pdf", b"%PDF-1.7"), ("grace.pdf", b"%PDF-1.7"))


def sends(data: bytes) -> Behaviour:
    return replies(200, data, "application/zip")


def issue(url: str, ctx: FakeContext, file: ArtifactRef, *, max_archive_bytes: int = 2_000_000) -> CertificatesIssued:
    settings = CertificatesSettings(certificates_api=url, certificates_max_archive_bytes=max_archive_bytes)
    api = certificates_api(settings, IssuerSettings())
    issuing = issue_task(api, settings.limits, noted)(ctx, IssueCertificates(files=[file]))
    return run(ctx.stop, closing(api, issuing))


@pytest.mark.parametrize(
    ("behaviour", "kind", "code"),
    [
        (replies(500), TransientError, "certificates_api_unavailable"),
        (replies(503, Retry_After="30"), TransientError, "certificates_api_unavailable"),
        (replies(422, b'{"error": {"message": "no"}}'), PermanentError, "certificates_refused"),
        (replies(200, b"<html>", "text/html"), PermanentError, "certificates_not_a_zip"),
        (replies(200, b"PKunlike a ZIP", "application/zip"), PermanentError, "archive_not_a_zip"),
        (sends(SOUND[:-30]), PermanentError, "archive_truncated"),
        (ends_early(SOUND[:-30], len(SOUND)), TransientError, "certificates_api_unreachable"),
        (sends(archive(("ok.pdf", b"%PDF"), ("../x", b"x"))), PermanentError, "archive_unsafe_name"),
        (sends(archive(("bomb.pdf", bytes(50_000_000)))), PermanentError, "archive_bomb"),
        (sends(archives.lying_bomb(100, 50_000_000)), PermanentError, "archive_bomb"),
        (sends(archives.overlapping()), PermanentError, "archive_corrupt"),
        (sends(archive(("inner.zip", SOUND))), PermanentError, "archive_nested"),
        (sends(archive()), PermanentError, "archive_empty"),
        (
            sends(archives.patched(SOUND, directory={8: struct.pack("<H", 1)})),
            PermanentError,
            "archive_encrypted",
        ),
        (never_ends(b"PK\x03\x04"), PermanentError, "archive_too_large"),
        (resets, TransientError, "certificates_api_unreachable"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_hostile_answer_fails_its_task_and_harms_no_other(
    tmp_path: Path, behaviour: Behaviour, kind: type[TaskError], code: str
) -> None:
    ctx, control = FakeContext(tmp_path / "storage"), FakeContext(tmp_path / "storage")
    file, control_file = (c.add_file("a.csv", "text/csv", b"recipient\nAda\n") for c in (ctx, control))
    before = ctx.storage_keys
    with http_server(behaviour, sends(SOUND)) as server:
        with pytest.raises(kind) as caught:
            issue(server.url, ctx, file)
        assert caught.value.code == code
        assert ctx.removed == []
        if code.startswith("archive_") and code != "archive_too_large":  # it came whole: its owner may look at it
            assert [name.startswith("refused-") for name in ctx.kept] == [True]
        else:
            assert (ctx.artifacts, ctx.kept, ctx.storage_keys) == ({}, {}, before)

        result = issue(server.url, control, control_file)
    assert result.members == 2
    with zipfile.ZipFile(io.BytesIO(control.read(result.archive))) as made:
        assert {name: made.read(name) for name in made.namelist()} == dict.fromkeys(
            ("ada.pdf", "grace.pdf"), b"%PDF-1.7"
        )
    assert control.removed == [control_file]


def test_the_task_s_id_is_the_idempotency_key_at_every_try(tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path / "storage")
    file = ctx.add_file("a.csv", "text/csv", b"recipient\nAda\n")
    with http_server(replies(500), sends(SOUND)) as server:
        with pytest.raises(TransientError):
            issue(server.url, ctx, file)
        issue(server.url, ctx, file)
    assert [request.headers["Idempotency-Key"] for request in server.requests] == [str(ctx.task_id)] * 2


def test_a_cancel_while_the_api_hangs_leaves_nothing(tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path / "storage")
    file = ctx.add_file("a.csv", "text/csv", b"recipient\nAda\n")
    before = ctx.storage_keys
    ended: list[Stopped] = []

    def run(url: str) -> None:
        try:
            issue(url, ctx, file)
        except Stopped as stopped:
            ended.append(stopped)

    with http_server(hangs(b"PK\x03\x04")) as server:
        thread = threading.Thread(target=run, args=(server.url,))
        thread.start()
        until(lambda: server.requests, 10, "the request")
        ctx.stop.set(StopReason.CANCELLED)
        thread.join(2)
        assert not thread.is_alive()
    assert len(ended) == 1
    assert (ctx.artifacts, ctx.removed, ctx.storage_keys) == ({}, [], before)


def test_memory_does_not_grow_with_the_archive(tmp_path: Path) -> None:
    def peak_bytes(size: int) -> int:
        data = archive(("a.pdf", b"%PDF" + bytes(size)), method=zipfile.ZIP_STORED)
        ctx = FakeContext(tmp_path / str(size))
        file = ctx.add_file("a.csv", "text/csv", b"recipient\nAda\n")
        with http_server(sends(data)) as server:
            gc.collect()
            tracemalloc.start()
            try:
                issue(server.url, ctx, file, max_archive_bytes=100_000_000)
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    peak_bytes(1000)  # what is loaded once
    assert peak_bytes(40_000_000) < peak_bytes(4_000_000) + 3_000_000


def test_each_file_kept_is_byte_for_byte_the_one_sent(tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path / "storage")
    file = ctx.add_file("a.csv", "text/csv", b"recipient\nAda\n")
    files = {f"{n}.pdf": b"%PDF" + bytes([n]) * 60_000 for n in range(30)}
    with http_server(sends(archive(*files.items(), method=zipfile.ZIP_STORED))) as server:
        result = issue(server.url, ctx, file)
    with zipfile.ZipFile(io.BytesIO(ctx.read(result.archive))) as made:
        assert {name: made.read(name) for name in made.namelist()} == files
