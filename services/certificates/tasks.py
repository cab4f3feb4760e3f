"""`certificates.issue`: the uploads to the certificates API, its archive checked and kept."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import IO, Any

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.certificates import CertificatesIssued, IssueCertificates
from bureau.task import ArtifactWriter, Context, Task
from services.certificates.api.client import CertificatesApi, Exchange, Upload
from services.certificates.archive.check import Checked, Limits, check_archive
from services.certificates.spool import large_temporary_file


def issue_task(api: CertificatesApi, limits: Limits) -> Task[Any, CertificatesIssued]:
    """The task, bound to the API it posts to."""

    def issue(ctx: Context, request: IssueCertificates) -> CertificatesIssued:
        """Posts the uploads to the certificates API and keeps the ZIP it answers, once that is checked."""
        # Two streams of the one download: the artifact, and a copy that can be read before the artifact is complete.
        # A refusal leaves the block by an exception, and then nothing of the archive stays.
        with ctx.artifact(archive_name(ctx), "application/zip") as artifact, large_temporary_file() as copy:
            _download(ctx, api, request.files, limits, artifact, copy)
            checked = _check(ctx, copy, limits)
        for upload in request.files:
            ctx.remove(upload)
        ctx.log(f"kept {archive_name(ctx)}; the uploads are removed")
        return CertificatesIssued(
            archive=artifact.ref, members=checked.files, bytes=artifact.size, sha256=artifact.sha256
        )

    return Task("certificates.issue", issue)


def archive_name(ctx: Context) -> str:
    """Unique for each task: the random end of its id."""
    return f"certificates-{ctx.task_id.hex[-12:]}.zip"


def _download(
    ctx: Context,
    api: CertificatesApi,
    files: Sequence[ArtifactRef],
    limits: Limits,
    artifact: ArtifactWriter,
    copy: IO[bytes],
) -> None:
    def write(piece: bytes) -> None:
        artifact.write(piece)
        copy.write(piece)

    with ExitStack() as opened:
        stored = [opened.enter_context(ctx.open(ref)) for ref in files]
        ctx.log(f"sending {_count(len(stored), 'file')} ({_size(sum(file.size for file in stored))}) to the API")
        api.issue(
            [Upload(file.name, file.media_type, file.file) for file in stored],
            Exchange(
                idempotency_key=str(ctx.task_id),
                stop=ctx.stop,
                limit_bytes=limits.archive_bytes,
                write=write,
                progress=ctx.progress,
            ),
        )
    ctx.log(f"received an archive of {_size(copy.tell())}")


def _check(ctx: Context, copy: IO[bytes], limits: Limits) -> Checked:
    checked = check_archive(copy, limits, lambda done, total: ctx.progress(done, total, "files checked"))
    ctx.log(f"checked {_count(checked.files, 'file')}: names, sizes and checksums are right")
    return checked


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _size(number: float) -> str:
    for unit in ("bytes", "KB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"
