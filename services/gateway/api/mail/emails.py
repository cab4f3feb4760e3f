"""Serves POST /v1/emails: one e-mail, sent as JSON, or as a form with files to attach."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.jobs import graph, pointer
from bureau.contracts.jobs.jobs import Terms
from bureau.contracts.jobs.references import Used
from bureau.contracts.mail.mail import MAX_BODY_BYTES, SendMail
from bureau.contracts.problems import FieldError
from bureau.ledger.files.artifacts import StoredArtifact
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Body, Call, Nothing, Operation, Reply
from bureau.services.gateway.http.parsing import json_body
from bureau.services.gateway.http.parsing.multipart import Files
from bureau.services.gateway.job_builders.accept import accept, submission
from bureau.services.gateway.job_builders.addresses import MAX_LISTED, MailAddress, Subject
from bureau.services.gateway.job_builders.mailing import RUN, domain_errors, mail_task
from bureau.services.gateway.job_builders.uploads import Store, storing, text_file
from bureau.services.gateway.problems import refuse
from bureau.services.gateway.settings import GatewaySettings
from bureau.submission.announcements import CatalogSnapshot
from bureau.submission.names import named
from bureau.submission.terms import new_job, terms_errors

# A longer text or HTML body is stored as a file, because it would make the ledger's rows large.
INLINE_BYTES = 16 * 1024
MAX_ATTACHMENTS = 50


def _at_most_a_mebibyte(text: str) -> str:
    if (size := len(text.encode("utf-8", "replace"))) > MAX_BODY_BYTES:
        raise ValueError(f"it has {size} bytes, the limit is {MAX_BODY_BYTES}; attach it as a file")
    return text


Content = Annotated[str, AfterValidator(_at_most_a_mebibyte)]


class EmailRequest(Terms, SendMail):
    """Describes an e-mail: `template` with `context`, or `subject` with `text`, `html` or both."""

    from_: MailAddress | None = Field(default=None, alias="from", description="Defaults to MAIL_FROM.")
    to: list[MailAddress] = Field(min_length=1, max_length=MAX_LISTED)
    cc: list[MailAddress] = Field(default=[], max_length=MAX_LISTED)
    bcc: list[MailAddress] = Field(default=[], max_length=MAX_LISTED)
    reply_to: MailAddress | None = None
    subject: Subject | None = None
    text: Content | None = Field(default=None, description="At most 1 MiB.")
    html: Content | None = Field(default=None, description="At most 1 MiB.")


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    settings = gateway.settings
    files = Files("files", at_least=0, at_most=settings.max_files, max_bytes=settings.max_file_bytes)

    def create(call: Call[EmailRequest, Nothing]) -> Reply:
        mail = call.body
        known = gateway.announcements.known()
        refuse(terms_errors(mail), _errors(mail, len(call.files), known, settings))
        with storing(gateway.storage, call.owner) as store:
            attached = [store(file) for file in call.files]
            sent, bodies = _input(mail, attached, store)
            uploads = [*attached, *bodies]
            used = [Used(ref.artifact, ("attachments", index)) for index, ref in enumerate(mail.attachments)]
            used += [Used(ref.artifact, ("inline", cid)) for cid, ref in mail.inline.items()]
            used += [Used(ref.artifact, ("links", name)) for name, ref in mail.links.items()]
            job = new_job(
                mail,
                owner=call.owner,
                kind="email",
                title=mail.subject or f"{mail.template} to {mail.to[0]}",
                tasks=[mail_task("send", sent, mail, known)],
                uses=[*(upload.id for upload in uploads), *(one.artifact for one in used)],
            )
            return accept(gateway, call, job, uploads, used)

    return [
        submission(
            gateway,
            name="create-email",
            path="/v1/emails",
            view=create,
            summary="Send an e-mail, from a template or with its own text",
            body=Body(EmailRequest, files=files),
            problems=["storage-unavailable"],
            stores_above=INLINE_BYTES,
        )
    ]


def _errors(mail: EmailRequest, files: int, known: CatalogSnapshot, settings: GatewaySettings) -> list[FieldError]:
    errors = [
        error
        for field, people in (("to", mail.to), ("cc", mail.cc), ("bcc", mail.bcc))
        for error in domain_errors(settings.recipient_domains, people, f"#/{field}")
    ]
    recipients = len(mail.to) + len(mail.cc) + len(mail.bcc)
    if recipients > settings.max_recipients:
        detail = f"{recipients} recipients; MAX_RECIPIENTS allows {settings.max_recipients}."
        errors.append(FieldError("too_many", detail, "#/to"))
    size = len(json_body.canonical(mail.context).encode()) if mail.context else 0
    if size > settings.max_context_bytes:
        detail = f"The context is {size} bytes; MAX_CONTEXT_BYTES allows {settings.max_context_bytes}."
        errors.append(FieldError("too_large", detail, "#/context"))
    if files + len(mail.attachments) > MAX_ATTACHMENTS:
        detail = f"{files + len(mail.attachments)} attachments; a mail has at most {MAX_ATTACHMENTS}."
        errors.append(FieldError("too_many", detail, "#/attachments"))
    errors += [
        FieldError(
            "refused", "No task comes before this one, so there is no result to refer to.", pointer.fragment(path)
        )
        for path in (("context", *reference.path) for reference in graph.references(mail.context))
    ]
    if mail.template and RUN in known.tasks and mail.template not in known.templates:
        detail = f"Template {mail.template} not found; {named('template', known.templates)}"
        errors.append(FieldError("unknown_template", detail, "#/template"))
    return errors


def _input(
    mail: EmailRequest, attached: Sequence[StoredArtifact], store: Store
) -> tuple[dict[str, Any], list[StoredArtifact]]:
    """Returns the input of `mailer.send`, and the long bodies that were stored for it."""
    fields = set(SendMail.model_fields)
    sent = mail.model_dump(mode="json", by_alias=True, include=fields, exclude_defaults=True)
    references = [ArtifactRef(artifact=file.id).model_dump(mode="json", exclude_none=True) for file in attached]
    if references:
        sent["attachments"] = [*sent.get("attachments", []), *references]
    stored = []
    for field, name, media_type in (("text", "body.txt", "text/plain"), ("html", "body.html", "text/html")):
        text = sent.get(field)
        if text is not None and len(text.encode()) > INLINE_BYTES:
            body = store(text_file(name, media_type, text))
            stored.append(body)
            sent[field] = {"artifact": str(body.id)}
    return sent, stored
