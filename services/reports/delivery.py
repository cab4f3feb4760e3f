"""Mails reports (`reports.deliver`) and failure notices (`reports.tell`)."""

import json
import time
import zipfile
from dataclasses import dataclass
from typing import Any

from bureau.contracts.artifacts import ArtifactRef, safe_name
from bureau.contracts.mail.recipient_domains import refuse_outside
from bureau.contracts.reports import DeliverReport, Empty, ReportDelivered, ReportGenerated, TellFailure
from bureau.failure_notice import FailureOf, tell_failure
from bureau.formatting import count, size
from bureau.services.reports.delivery_method import DeliveryMethod, DeliveryMethodPolicy
from bureau.task import Context
from bureau.task_files import ArtifactWriter, OpenArtifact

PIECE_BYTES = 256 * 1024
MAX_VALUE = 200  # characters of a parameter's value in a mail, because the mail's context is limited


@dataclass(frozen=True)
class DeliveryPolicy:
    """Holds the settings for mails with reports."""

    method_policy: DeliveryMethodPolicy
    link_seconds: int
    empty: Empty
    domains: str


class ReportDeliverer:
    """Holds the tasks that mail reports; `failure_of` returns why a job fails."""

    def __init__(self, policy: DeliveryPolicy, failure_of: FailureOf) -> None:
        self._policy = policy
        self._failure_of = failure_of

    def deliver(self, ctx: Context, request: DeliverReport) -> ReportDelivered:
        """Mails a report: attached if it is small, zipped if it is larger, else as a link that expires."""
        refuse_outside(self._policy.domains, request.to)
        generated = _with_stored_facts(ctx, request.generated)
        if generated.rows == 0 and (empty := request.empty or self._policy.empty) != "send":
            return self._empty(ctx, request, empty)
        method, attachment, delivered = self._prepare(ctx, generated)
        context = _context(request, generated, attachment)
        mail: dict[str, Any] = {"to": request.to, "template": "report-ready", "context": context}
        if attachment:
            mail["attachments"] = [attachment.model_dump(mode="json", exclude_none=True)]
        if method is DeliveryMethod.LINK:  # the mailer signs it when it composes the mail, as inputs are shown
            mail["links"] = {"link": generated.artifact.model_dump(mode="json", exclude_none=True)}
            mail["link_seconds"] = self._policy.link_seconds
        _send(ctx, mail, request.subject)
        ctx.log(
            f"{generated.artifact.name}, {size(generated.bytes)}: {method}, to {count(len(request.to), 'recipient')}"
        )
        return ReportDelivered(delivery=method.value, bytes=delivered)

    def tell(self, ctx: Context, request: TellFailure) -> None:
        """Mails the requesters of a report why it failed."""
        refuse_outside(self._policy.domains, request.to)
        tell_failure(ctx, self._failure_of, to=request.to, title=request.title)

    def _prepare(self, ctx: Context, generated: ReportGenerated) -> tuple[DeliveryMethod, ArtifactRef | None, int]:
        """Returns the delivery method, the attachment, and its size in bytes."""
        method = self._policy.method_policy.first(generated.artifact.name or "", generated.bytes)
        if method is DeliveryMethod.ZIP:
            zipped = _zip_artifact(ctx, generated, self._policy.method_policy.zip_below)
            return (DeliveryMethod.ZIP, *zipped) if zipped else (DeliveryMethod.LINK, None, 0)
        return (method, generated.artifact, generated.bytes) if method is DeliveryMethod.ATTACH else (method, None, 0)

    def _empty(self, ctx: Context, request: DeliverReport, empty: Empty) -> ReportDelivered:
        if empty == "skip":
            ctx.log("The report has no rows, so nothing is mailed")
            return ReportDelivered(delivery="skipped", bytes=0)
        generated, title = request.generated, request.title or request.generated.title
        text = (
            f'The report "{title}" was completed and found no rows.\n\n'
            f"Data of: {generated.snapshot_at:%Y-%m-%d %H:%M:%S} UTC\n"
            + "".join(f"{name}: {value}\n" for name, value in _parameters(generated).items())
        )
        _send(ctx, {"to": request.to, "text": text}, request.subject or f"No rows: {title}"[:900])
        return ReportDelivered(delivery="note", bytes=0)


class _TooLarge(Exception):
    """Says that the archive is larger than a mail may carry."""


class _LimitedFile:
    """Provides a forward-only file for `zipfile`. A write raises `_TooLarge` when the limit is reached."""

    def __init__(self, file: ArtifactWriter, at_most: int) -> None:
        self._file = file
        self._left = at_most

    def write(self, data: bytes) -> int:
        self._left -= len(data)
        if self._left <= 0:
            raise _TooLarge
        return self._file.write(bytes(data))

    def flush(self) -> None:
        """Does nothing. `zipfile` calls it, but the storage decides when to write."""


def _with_stored_facts(ctx: Context, generated: ReportGenerated) -> ReportGenerated:
    """Replaces name, size and checksum of the file in the input with those of the stored file.

    A client may have written the input by hand. Raises `PermanentError` (`artifact_not_found`) for another owner's
    file.
    """
    with ctx.open(ArtifactRef(artifact=generated.artifact.artifact)) as stored:
        ref = ArtifactRef(artifact=generated.artifact.artifact, name=safe_name(stored.name, "report.csv"))
        return generated.model_copy(update={"artifact": ref, "bytes": stored.size, "sha256": stored.sha256})


def _zip_artifact(ctx: Context, generated: ReportGenerated, below: int) -> tuple[ArtifactRef, int] | None:
    """Stores the file in a ZIP; returns it with its size in bytes.

    If the ZIP is not smaller than `below` it returns None, and nothing of the ZIP is kept.
    """
    try:
        with ctx.open(generated.artifact) as stored, ctx.artifact(f"{stored.name}.zip", "application/zip") as file:
            _write_zip(stored, _LimitedFile(file, below))
    except _TooLarge:
        return None
    return file.ref, file.size


def _write_zip(stored: OpenArtifact, target: Any) -> None:
    member = zipfile.ZipInfo(stored.name, time.gmtime()[:6])
    member.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(target, "w") as archive, archive.open(member, "w", force_zip64=True) as inside:
        while piece := stored.file.read(PIECE_BYTES):
            inside.write(piece)


def _context(request: DeliverReport, generated: ReportGenerated, attachment: ArtifactRef | None) -> dict[str, Any]:
    """Returns the context of the mail's template, which may hold only plain values."""
    context: dict[str, Any] = {
        "title": request.title or generated.title,
        "report": generated.report,
        "rows": generated.rows,
        "bytes": generated.bytes,
        "sha256": generated.sha256,
        "snapshot_at": generated.snapshot_at.isoformat(),
        "duration_seconds": generated.duration_seconds,
        "params": _parameters(generated),
        "complete": generated.complete,
    }
    return context | ({"attachment": attachment.name} if attachment and attachment.name else {})


def _parameters(generated: ReportGenerated) -> dict[str, str]:
    return {name: _shown(value) for name, value in list(generated.params.items())[:30]}


def _shown(value: Any) -> str:
    text = ", ".join(map(_as_json, value)) if isinstance(value, list) else _as_json(value)
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…"


def _as_json(value: Any) -> str:
    """Returns a value as in the request: `true` and `null`, not `True` and `None`."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _send(ctx: Context, mail: dict[str, Any], subject: str | None) -> None:
    ctx.add("send", "mailer.send", mail | ({"subject": subject} if subject else {}))
