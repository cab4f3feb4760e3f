"""`reports.deliver`: a report's file to people. `reports.tell`: the news that it failed."""

import json
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.mail.recipient_domains import refuse_outside
from bureau.contracts.reports import DeliverReport, Empty, ReportDelivered, ReportGenerated, TellFailure
from bureau.formatting import count, size
from bureau.ledger.db.asking import asking_ledger
from bureau.ledger.reads.failures import Failure
from bureau.services.reports.delivery_method import DeliveryMethod, DeliveryMethodPolicy
from bureau.signing.signed_links import PARAMETER, Link, Linked, Links
from bureau.task import ArtifactWriter, Context, OpenArtifact

PIECE_BYTES = 256 * 1024
DETAILS_IN_MAIL = 20
SHOWN = 200  # characters of a parameter's value in a mail: its context is limited


@dataclass(frozen=True)
class DeliveryPolicy:
    """What the settings say of mails with reports."""

    ladder: DeliveryMethodPolicy
    public_url: str
    link_seconds: int
    empty: Empty
    domains: str


class ReportDeliverer:
    """The tasks over this process's policy; `failure_of` says why a job fails."""

    def __init__(self, policy: DeliveryPolicy, links: Links, failure_of: Callable[[UUID], Failure | None]) -> None:
        self._policy = policy
        self._links = links
        self._failure_of = failure_of

    def deliver(self, ctx: Context, request: DeliverReport) -> ReportDelivered:
        """Mails a report: attached while it is small, zipped when larger, else as a link that expires."""
        refuse_outside(self._policy.domains, request.to)
        made = request.generated
        if made.rows == 0 and (empty := request.empty or self._policy.empty) != "send":
            return self._empty(ctx, request, empty)
        step, attachment, delivered = self._prepared(ctx, made)
        expires_at = int(time.time()) + self._policy.link_seconds if step is DeliveryMethod.LINK else None
        context = _context(request, made, attachment)
        if expires_at is not None:
            context |= {"link": self._link(made, expires_at), "link_expires_at": _moment(expires_at)}
        mail: dict[str, Any] = {"to": request.to, "template": "report-ready", "context": context}
        if attachment:
            mail["attachments"] = [attachment.model_dump(mode="json", exclude_none=True)]
        _send(ctx, mail, request.subject)
        ctx.log(f"{made.artifact.name}, {size(made.bytes)}: {step}, to {count(len(request.to), 'recipient')}")
        return ReportDelivered(
            delivery=step.value,
            bytes=delivered,
            link_expires_at=datetime.fromtimestamp(expires_at, UTC) if expires_at else None,
        )

    def tell(self, ctx: Context, request: TellFailure) -> None:
        """Mails whoever asked for a report why it failed."""
        refuse_outside(self._policy.domains, request.to)
        with asking_ledger():
            failure = self._failure_of(ctx.job_id)
        context: dict[str, Any] = {
            "title": request.title,
            "reason": failure.message if failure else "Nothing is known of the reason.",
            "job": str(ctx.job_id),
        }
        if failure:
            context |= {"task": failure.task, "code": failure.code}
            if failure.details:
                context["details"] = [dict(detail) for detail in failure.details[:DETAILS_IN_MAIL]]
        _send(ctx, {"to": request.to, "template": "job-failed", "context": context}, None)

    def _prepared(self, ctx: Context, made: ReportGenerated) -> tuple[DeliveryMethod, ArtifactRef | None, int]:
        """The step taken, what is attached, and its bytes."""
        step = self._policy.ladder.first(made.artifact.name or "", made.bytes)
        if step is DeliveryMethod.ZIP:
            zipped = _zipped(ctx, made, self._policy.ladder.zip_below)
            return (DeliveryMethod.ZIP, *zipped) if zipped else (DeliveryMethod.LINK, None, 0)
        return (step, made.artifact, made.bytes) if step is DeliveryMethod.ATTACH else (step, None, 0)

    def _empty(self, ctx: Context, request: DeliverReport, empty: Empty) -> ReportDelivered:
        if empty == "skip":
            ctx.log("No rows: nothing is mailed")
            return ReportDelivered(delivery="skipped", bytes=0)
        made, title = request.generated, request.title or request.generated.title
        text = (
            f'The report "{title}" ran to its end and found no rows.\n\n'
            f"Data of: {made.snapshot_at:%Y-%m-%d %H:%M:%S} UTC\n"
            + "".join(f"{name}: {value}\n" for name, value in _parameters(made).items())
        )
        _send(ctx, {"to": request.to, "text": text}, request.subject or f"No rows: {title}"[:900])
        return ReportDelivered(delivery="note", bytes=0)

    def _link(self, made: ReportGenerated, expires_at: int) -> str:
        name = made.artifact.name or "report.csv"
        token = self._links.token(Link(Linked.ARTIFACT, made.artifact.artifact, expires_at))
        path = f"/v1/artifacts/{made.artifact.artifact}/{quote(name, safe='')}"
        return f"{self._policy.public_url}{path}?{PARAMETER}={token}"


class _TooLarge(Exception):
    """The archive grew over what a mail may carry."""


class _Counted:
    """A file for `zipfile` that only goes forward. Raises `_TooLarge`."""

    def __init__(self, file: ArtifactWriter, at_most: int) -> None:
        self._file = file
        self._left = at_most

    def write(self, data: bytes) -> int:
        self._left -= len(data)
        if self._left <= 0:
            raise _TooLarge
        return self._file.write(bytes(data))

    def flush(self) -> None:
        """`zipfile` asks for it; the storage writes as it sees fit."""


def _zipped(ctx: Context, made: ReportGenerated, below: int) -> tuple[ArtifactRef, int] | None:
    """The file in a ZIP; None where that is not smaller than `below`, and then nothing of it stays."""
    try:
        with ctx.open(made.artifact) as stored, ctx.artifact(f"{stored.name}.zip", "application/zip") as file:
            _zip(stored, _Counted(file, below))
    except _TooLarge:
        return None
    return file.ref, file.size


def _zip(stored: OpenArtifact, target: Any) -> None:
    member = zipfile.ZipInfo(stored.name, time.gmtime()[:6])
    member.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(target, "w") as archive, archive.open(member, "w", force_zip64=True) as inside:
        while piece := stored.file.read(PIECE_BYTES):
            inside.write(piece)


def _context(request: DeliverReport, made: ReportGenerated, attachment: ArtifactRef | None) -> dict[str, Any]:
    """What the template says: plain values only."""
    context: dict[str, Any] = {
        "title": request.title or made.title,
        "report": made.report,
        "rows": made.rows,
        "bytes": made.bytes,
        "sha256": made.sha256,
        "snapshot_at": made.snapshot_at.isoformat(),
        "duration_seconds": made.duration_seconds,
        "params": _parameters(made),
        "complete": made.complete,
    }
    return context | ({"attachment": attachment.name} if attachment and attachment.name else {})


def _parameters(made: ReportGenerated) -> dict[str, str]:
    return {name: _shown(value) for name, value in list(made.params.items())[:30]}


def _shown(value: Any) -> str:
    text = ", ".join(map(_word, value)) if isinstance(value, list) else _word(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _word(value: Any) -> str:
    """As the report was asked for: `true` and `null`, not Python's words for them."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _send(ctx: Context, mail: dict[str, Any], subject: str | None) -> None:
    ctx.add("send", "mailer.send", mail | ({"subject": subject} if subject else {}))


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
