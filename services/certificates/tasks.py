"""Defines the task `certificates.issue`: it posts uploads to the certificates API, checks the archive and keeps it."""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import IO, Any
from uuid import UUID

from bureau.contracts.certificates import CertificatesIssued, IssueCertificates, TellIssueFailure
from bureau.contracts.errors import PermanentError
from bureau.failure_notice import FailureOf, tell_failure
from bureau.formatting import count, size
from bureau.ledger.db.asking import asking_ledger
from bureau.services.certificates.api.client import CertificatesApi, Exchange
from bureau.services.certificates.api.multipart import RosterUpload
from bureau.services.certificates.archive.check import ArchiveLimits, CheckedArchive, check_archive
from bureau.services.certificates.delivery import Delivered, deliver
from bureau.services.certificates.languages import usual_language
from bureau.services.certificates.manifest import Manifest, RosterRead, read_manifest
from bureau.services.certificates.spool import IN_MEMORY_BYTES, spooled_file
from bureau.task import Context, Task
from bureau.task_files import ArtifactWriter
from bureau.threads import in_thread

READINGS_SHOWN = 5
NOT_MAILED_SHOWN = 100
COPY_BYTES = 256 * 1024
_FIELDS = ("encoding", "language")  # the request's fields that are sent along with the files
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

Issuing = Coroutine[Any, Any, CertificatesIssued]
Book = Callable[[str, UUID, Sequence[str]], None]  # owner, job, serials


def issue_task(api: CertificatesApi, limits: ArchiveLimits, book: Book) -> Task[Any, Issuing]:
    """Returns the task, bound to the API that it posts to and to the book in which it notes what was issued."""

    async def issue(ctx: Context, request: IssueCertificates) -> CertificatesIssued:
        """Makes certificates from rosters: a ZIP archive, and a mail for each person if asked."""
        with spooled_file() as received:
            await _download(ctx, api, request, limits, received)
            return await in_thread(keep, ctx, request, received)

    def keep(ctx: Context, request: IssueCertificates, received: IO[bytes]) -> CertificatesIssued:
        """Checks what was received and makes it files of the job, in a thread."""
        # People get a copy of the members that passed the check, not the archive that came: nothing hides in the copy.
        # An archive that fails the check is kept under another name, and causes no mail and no entry in the book.
        try:
            with ctx.artifact(archive_name(ctx), "application/zip") as artifact:
                checked = _check(ctx, received, limits, artifact)
            manifest = _manifest(ctx, checked)
        except PermanentError as refusal:
            _keep_refused(ctx, received)
            raise refusal from None
        to_each = request.deliver == "recipients"
        delivered = deliver(ctx, checked, manifest, request) if to_each else Delivered()
        _note(ctx, book, manifest)
        for upload in request.files:
            ctx.remove(upload)
        ctx.log(f"kept {archive_name(ctx)}; uploads that nothing else uses are removed")
        return CertificatesIssued(
            archive=artifact.ref,
            members=len(checked),
            bytes=artifact.size,
            sha256=artifact.sha256,
            certificates=len(manifest.certificates) if manifest else 0,
            errors=len(manifest.errors) if manifest else 0,
            language=usual_language(request, manifest),
            not_mailed=list(delivered.not_mailed[:NOT_MAILED_SHOWN]),
            mails=delivered.mails,
        )

    return Task("certificates.issue", issue, interruptible=False)


def tell_task(failure_of: FailureOf) -> Task[Any, None]:
    """Returns the task that tells people why their job failed."""

    def tell(ctx: Context, request: TellIssueFailure) -> None:
        """Mails the requesters of certificates why the job failed."""
        tell_failure(ctx, failure_of, to=request.to, title=request.title, language=request.language)

    return Task("certificates.tell", tell)


def archive_name(ctx: Context) -> str:
    """Returns a name that is unique for each task, by the random end of its id."""
    return f"certificates-{ctx.task_id.hex[-12:]}.zip"


async def _download(
    ctx: Context,
    api: CertificatesApi,
    request: IssueCertificates,
    limits: ArchiveLimits,
    received: IO[bytes],
) -> None:
    async def write(piece: bytes) -> None:
        if received.tell() + len(piece) <= IN_MEMORY_BYTES:
            received.write(piece)
        else:
            await in_thread(received.write, piece)  # to the disk

    async with AsyncExitStack() as opened:
        stored = [await opened.enter_async_context(ctx.open(ref)) for ref in request.files]
        ctx.log(f"sending {count(len(stored), 'file')} ({size(sum(file.size for file in stored))}) to {api.name}")
        await api.issue(
            [RosterUpload(file.name, file.media_type, file.size, file.file) for file in stored],
            Exchange(
                idempotency_key=str(ctx.task_id),
                fields={name: value for name in _FIELDS if (value := getattr(request, name))},
                limit_bytes=limits.archive_bytes,
                write=write,
                progress=ctx.progress,
            ),
        )
    ctx.log(f"received an archive of {size(received.tell())}")


def _check(ctx: Context, received: IO[bytes], limits: ArchiveLimits, artifact: ArtifactWriter) -> CheckedArchive:
    checked = check_archive(
        received, limits, artifact.write, lambda done, total: ctx.progress(done, total, "files checked")
    )
    ctx.log(f"checked {count(len(checked), 'file')}: names, sizes and checksums are right")
    return checked


def _keep_refused(ctx: Context, received: IO[bytes]) -> None:
    name = f"refused-{archive_name(ctx)}"
    received.seek(0)
    with ctx.artifact(name, "application/zip") as artifact:
        while piece := received.read(COPY_BYTES):
            artifact.write(piece)
    ctx.keep(artifact.ref, name)
    ctx.log(f"the archive is refused; it is kept for its owner to examine with care: {name}")


def _manifest(ctx: Context, archive: CheckedArchive) -> Manifest | None:
    manifest = read_manifest(archive)
    if manifest and manifest.rosters:
        for line in _readings(manifest.rosters):
            ctx.log(line)
    if manifest and manifest.errors:
        ctx.log(
            f"{count(len(manifest.errors), 'error')} kept rows from being issued: errors.csv in the archive lists them"
        )
    return manifest


def _note(ctx: Context, book: Book, manifest: Manifest | None) -> None:
    serials = [listed.serial for listed in manifest.certificates if listed.serial] if manifest else []
    with asking_ledger():
        book(ctx.owner, ctx.job_id, serials)


def _readings(rosters: Sequence[RosterRead]) -> Iterator[str]:
    """Says in few lines how the issuer read the rosters, because a task that logs more than twenty may lose some."""
    shown = [
        f"{one.file} ({count(one.rows, 'row')}, {one.encoding}, separated by {separators})"
        for one in rosters[:READINGS_SHOWN]
        for separators in [_SEPARATORS.get(one.delimiter, one.delimiter)]
    ]
    more = len(rosters) - len(shown)
    yield f"rosters read: {', '.join(shown)}{f' and {more} more' if more else ''}"
    if ignored := [f"{one.file}: {one.ignored}" for one in rosters if one.ignored]:
        yield f"columns that are not used: {'; '.join(ignored[:READINGS_SHOWN])}"
    if left_out := [f"{one.file}, line {line.line}: {line.reason}" for one in rosters for line in one.left_out]:
        more = len(left_out) - READINGS_SHOWN
        yield f"lines left out: {'; '.join(left_out[:READINGS_SHOWN])}{f' and {more} more' if more > 0 else ''}"
