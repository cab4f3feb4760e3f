"""`certificates.issue`: the uploads to the certificates API, its archive checked and kept."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import IO, Any
from uuid import UUID

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.certificates import CertificatesIssued, IssueCertificates
from bureau.contracts.errors import PermanentError, TransientError
from bureau.formatting import count, size
from bureau.ledger.db.database import LedgerUnavailable
from bureau.services.certificates.api.client import CertificatesApi, Exchange, Upload
from bureau.services.certificates.archive.check import Checked, Limits, check_archive
from bureau.services.certificates.delivery import deliver
from bureau.services.certificates.manifest import Manifest, RosterRead, read_manifest
from bureau.services.certificates.spool import spooled_file
from bureau.task import ArtifactWriter, Context, Task

READINGS_SHOWN = 5
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

Book = Callable[[str, UUID, Sequence[str]], None]  # owner, job, serials


def issue_task(api: CertificatesApi, limits: Limits, book: Book) -> Task[Any, CertificatesIssued]:
    """The task, bound to the API it posts to and the book it notes what was issued in."""

    def issue(ctx: Context, request: IssueCertificates) -> CertificatesIssued:
        """Posts the uploads to the certificates API and keeps the ZIP it answers, once that is checked."""
        # Two streams of one download: the file of the job, and a copy that can be read before that is complete. What
        # fails the check is nobody's until then: no mail, no certificate in the book, and another name.
        with spooled_file() as copy:
            with ctx.artifact(archive_name(ctx), "application/zip") as artifact:
                _download(ctx, api, request.files, limits, artifact, copy)
            try:
                checked = _check(ctx, copy, limits)
                manifest = _manifest(ctx, copy)
            except PermanentError as refusal:
                ctx.keep(artifact.ref, f"refused-{archive_name(ctx)}")
                ctx.log(
                    f"the archive is refused: refused-{archive_name(ctx)} is kept for its owner to look at, with care"
                )
                raise refusal from None
            mails = deliver(ctx, copy, manifest, request.subject) if request.deliver == "recipients" else 0
            _note(ctx, book, manifest)
        for upload in request.files:
            ctx.remove(upload)
        ctx.log(f"kept {archive_name(ctx)}; the uploads are removed")
        return CertificatesIssued(
            archive=artifact.ref,
            members=checked.files,
            bytes=artifact.size,
            sha256=artifact.sha256,
            certificates=len(manifest.certificates) if manifest else 0,
            errors=len(manifest.errors) if manifest else 0,
            mails=mails,
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
        ctx.log(f"sending {count(len(stored), 'file')} ({size(sum(file.size for file in stored))}) to the API")
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
    ctx.log(f"received an archive of {size(copy.tell())}")


def _check(ctx: Context, copy: IO[bytes], limits: Limits) -> Checked:
    checked = check_archive(copy, limits, lambda done, total: ctx.progress(done, total, "files checked"))
    ctx.log(f"checked {count(checked.files, 'file')}: names, sizes and checksums are right")
    return checked


def _manifest(ctx: Context, copy: IO[bytes]) -> Manifest | None:
    manifest = read_manifest(copy)
    if manifest and manifest.rosters:
        ctx.log(_reading(manifest.rosters))
    if manifest and manifest.errors:
        ctx.log(f"{count(len(manifest.errors), 'mistake')} kept rows back: errors.csv in the archive lists them")
    return manifest


def _note(ctx: Context, book: Book, manifest: Manifest | None) -> None:
    serials = [listed.serial for listed in manifest.certificates if listed.serial] if manifest else []
    try:
        book(ctx.owner, ctx.job_id, serials)
    except LedgerUnavailable as error:
        raise TransientError("ledger_unavailable", "The ledger did not answer.") from error


def _reading(rosters: Sequence[RosterRead]) -> str:
    """How the issuer understood them, in one line: of more than a few lines a second some are left out."""
    said = [
        f"{one.file} ({count(one.rows, 'row')}, {one.encoding}, separated by {separators})"
        for one in rosters[:READINGS_SHOWN]
        for separators in [_SEPARATORS.get(one.delimiter, one.delimiter)]
    ]
    more = len(rosters) - len(said)
    return f"rosters read: {', '.join(said)}{f' and {more} more' if more else ''}"
