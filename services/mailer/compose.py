"""Composes a message from a task's input: addresses, template, bodies and attachments."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from bureau.contracts.artifacts import ArtifactRef, safe_name
from bureau.contracts.errors import PermanentError
from bureau.contracts.mail.addresses import Mailbox, folded
from bureau.contracts.mail.mail import MAX_BODY_BYTES, SendMail
from bureau.contracts.media_types import MediaType
from bureau.services.mailer.message.addresses import mailbox, mailboxes
from bureau.services.mailer.message.message import Attachment, Marks, Message
from bureau.services.mailer.message.plain_text import plain_text
from bureau.services.mailer.templating.templating import Templates
from bureau.signing.signed_links import NotOwned
from bureau.task import Context

Sign = Callable[[UUID, str, int], str]
"""The absolute address of a file for whoever has it: file, owner, end in seconds since 1970. Raises `NotOwned`."""

_UNTYPED = "application/octet-stream"


@dataclass(frozen=True)
class Envelope:
    """Holds the sender and the recipients. Each address occurs once: a copy to an address in `to` is dropped."""

    sender: Mailbox
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    bcc: tuple[Mailbox, ...]
    reply_to: Mailbox | None

    @property
    def recipients(self) -> tuple[str, ...]:
        return tuple(box.address for box in (*self.to, *self.cc, *self.bcc))


class Composer:
    """Composes messages. `clock` sets their Date, `sign` signs the links to files.

    Links are signed here, as late as possible, because a token in a task's input would be visible to everybody who may
    read the job.
    """

    def __init__(
        self,
        *,
        sender: Mailbox,
        templates: Templates,
        attachments_max_bytes: int,
        sign: Sign,
        from_domains: frozenset[str] = frozenset(),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sender = sender
        self._templates = templates
        self._attachments_max_bytes = attachments_max_bytes
        self._sign = sign
        self._from_domains = from_domains
        self._clock = clock

    def envelope(self, mail: SendMail) -> Envelope:
        """Builds the envelope. Raises `PermanentError` (`mail_address_invalid`) with field, value and rule."""
        to = mailboxes("to", mail.to)
        cc = _without(mailboxes("cc", mail.cc), to)
        return Envelope(
            sender=self._allowed(mailbox("from", mail.from_)) if mail.from_ else self._sender,
            to=to,
            cc=cc,
            bcc=_without(mailboxes("bcc", mail.bcc), (*to, *cc)),
            reply_to=mailbox("reply_to", mail.reply_to) if mail.reply_to else None,
        )

    def _allowed(self, sender: Mailbox) -> Mailbox:
        if self._from_domains and sender.domain not in self._from_domains:
            allowed = ", ".join(sorted(self._from_domains))
            raise PermanentError(
                "mail_from_not_allowed",
                f"from: {sender.address} has a domain that MAIL_FROM_DOMAINS does not allow; it allows {allowed}.",
            )
        return sender

    def message(
        self, ctx: Context, mail: SendMail, envelope: Envelope, message_id: str, marks: Marks | None = None
    ) -> Message:
        """Builds the message.

        Raises `PermanentError` for a mail that can never be sent; the error names the field and the fix.
        """
        subject, text, html, pictures = self._content(ctx, mail)
        inline = self._attachments(ctx, [(ref, cid) for cid, ref in mail.inline.items()], "inline")
        return Message(
            message_id=message_id,
            date=self._clock(),
            sender=envelope.sender,
            to=envelope.to,
            cc=envelope.cc,
            bcc=envelope.bcc,
            reply_to=envelope.reply_to,
            subject=subject,
            text=text,
            html=html,
            attachments=self._attachments(ctx, [(ref, None) for ref in mail.attachments], "attachments"),
            inline=(*pictures, *inline),
            unsubscribe=mail.unsubscribe,
            headers=mail.headers,
            categories=tuple(mail.categories),
            marks=marks,
        )

    def _content(self, ctx: Context, mail: SendMail) -> tuple[str, str | None, str | None, tuple[Attachment, ...]]:
        if mail.template is None:
            text, html = _body(ctx, "text", mail.text), _body(ctx, "html", mail.html)
            return (
                mail.subject or "",
                plain_text(html, ctx.stop.check) if text is None and html is not None else text,
                html,
                (),
            )
        rendered = self._templates.render(mail.template, mail.context | self._links(ctx, mail), mail.language)
        pictures = tuple(
            Attachment.read(one.cid, one.media_type, len(one.data), io.BytesIO(one.data), one.cid)
            for one in rendered.pictures
        )
        return mail.subject or rendered.subject, rendered.text, rendered.html, pictures

    def _links(self, ctx: Context, mail: SendMail) -> dict[str, str]:
        """Signs each link and returns the template's variables for it. Only files of the task's owner are linked."""
        ends = self._clock() + timedelta(seconds=mail.link_seconds)
        signed: dict[str, str] = {}
        for name, ref in mail.links.items():
            ctx.stop.check()
            try:
                signed[name] = self._sign(ref.artifact, ctx.owner, int(ends.timestamp()))
            except NotOwned:
                raise PermanentError(
                    "artifact_not_found",
                    f"links/{name}: file {ref.artifact} not found: it was removed, or it is not yours.",
                ) from None
            signed[f"{name}_expires_at"] = ends.replace(microsecond=0).isoformat()
        return signed

    def _attachments(
        self, ctx: Context, refs: Sequence[tuple[ArtifactRef, str | None]], field: str
    ) -> tuple[Attachment, ...]:
        """Reads the files one after the other. Nothing is read from a file that would exceed the size limit."""
        read: list[Attachment] = []
        total = 0
        for ref, cid in refs:
            with ctx.open(ref) as stored:
                total += stored.size
                if total > self._attachments_max_bytes:
                    raise PermanentError(
                        "mail_attachments_too_large",
                        f"{field}: the files up to {stored.name!r} have {total:,} bytes, more than the "
                        f"{self._attachments_max_bytes:,} of MAIL_ATTACHMENTS_MAX_BYTES. Send fewer, or compress them.",
                    )
                name = safe_name(stored.name)
                kind = media_type(stored.media_type, name if ref.name else None)
                read.append(Attachment.read(name, kind, stored.size, stored.file, cid))
        return tuple(read)


def media_type(given: str, renamed: str | None = None) -> str:
    """Normalizes a media type and keeps its valid parameters.

    Types that are invalid in a header, or that must not be encoded in base64, become `application/octet-stream`. A file
    that the mail gives another name has that name in the parameter `name` too, which old mail programs go by.
    """
    kind = MediaType.salvage(given)
    if kind is None or kind.kind.startswith(("message/", "multipart/")):
        return _UNTYPED
    if renamed and "name" in kind.parameters:
        kind = MediaType(kind.kind, {**kind.parameters, "name": renamed})
    return str(kind)


def _body(ctx: Context, field: str, given: str | ArtifactRef | None) -> str | None:
    if given is None or isinstance(given, str):
        return given
    with ctx.open(given) as stored:
        if stored.size > MAX_BODY_BYTES:
            raise PermanentError(
                "mail_body_too_large",
                f"{field}: {stored.size:,} bytes; the limit is {MAX_BODY_BYTES:,}. Attach it instead.",
            )
        try:
            return stored.file.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise PermanentError(
                "mail_body_not_text", f"{field}: byte {error.start} is not UTF-8. Save the text as UTF-8."
            ) from None


def _without(boxes: tuple[Mailbox, ...], others: tuple[Mailbox, ...]) -> tuple[Mailbox, ...]:
    taken = {folded(box.address) for box in others}
    return tuple(box for box in boxes if folded(box.address) not in taken)
