"""Serves POST /v1/emails: one e-mail, sent as JSON, or as a form with files to attach."""

from collections.abc import Sequence
from typing import Any

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.jobs import graph, pointer
from bureau.contracts.jobs.references import Used
from bureau.contracts.mail.mail import SendMail
from bureau.contracts.problems import FieldError
from bureau.ledger.files.artifacts import StoredArtifact
from bureau.services.gateway.api.mail.email_request import EmailRequest
from bureau.services.gateway.api.mail.recipients import mails, recipient_errors, title
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Body, Call, Nothing, Operation, Reply
from bureau.services.gateway.http.parsing import json_body
from bureau.services.gateway.http.parsing.multipart import Files
from bureau.services.gateway.job_builders.accept import accept, submission
from bureau.services.gateway.job_builders.mailing import RUN, mail_task
from bureau.services.gateway.job_builders.uploads import Store, storing, text_file
from bureau.services.gateway.problems import refuse
from bureau.services.gateway.settings import GatewaySettings
from bureau.submission.announcements import CatalogSnapshot
from bureau.submission.names import named
from bureau.submission.terms import new_job, terms_errors

# A longer text or HTML body is stored as a file, because it would make the ledger's rows large.
INLINE_BYTES = 16 * 1024
MANY_INLINE_BYTES = 1024  # of many mails, whose rows each hold it
MAX_ATTACHMENTS = 50


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    settings = gateway.settings
    files = Files("files", at_least=0, at_most=settings.max_files, max_bytes=settings.max_file_bytes)

    def create(call: Call[EmailRequest, Nothing]) -> Reply:
        mail = call.body
        known = gateway.announcements.known()
        refuse(terms_errors(mail), _errors(mail, len(call.files), known, settings))
        with storing(gateway.storage, call.owner) as store:
            attached = [store(file) for file in call.files]
            sent, bodies = _input(mail, attached, store, _inline_bytes(mail, call.body_bytes))
            uploads = [*attached, *bodies]
            used = [Used(ref.artifact, ("attachments", index)) for index, ref in enumerate(mail.attachments)]
            used += [Used(ref.artifact, ("inline", cid)) for cid, ref in mail.inline.items()]
            used += [Used(ref.artifact, ("links", name)) for name, ref in mail.links.items()]
            job = new_job(
                mail,
                owner=call.owner,
                kind="email",
                title=title(mail),
                tasks=[mail_task(name, one, mail, known) for name, one in mails(mail, sent).items()],
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
    errors = list(recipient_errors(mail, settings))
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


def _inline_bytes(mail: EmailRequest, body_bytes: int) -> int:
    """Returns up to which length a text stays in the input. A small request stores no file: see `stores_above`."""
    return MANY_INLINE_BYTES if mail.recipients and body_bytes > INLINE_BYTES else INLINE_BYTES


def _input(
    mail: EmailRequest, attached: Sequence[StoredArtifact], store: Store, inline_bytes: int
) -> tuple[dict[str, Any], list[StoredArtifact]]:
    """Returns the input of `mailer.send`, as far as all mails share it, and the long bodies that were stored for it."""
    fields = set(SendMail.model_fields)
    sent = mail.model_dump(mode="json", by_alias=True, include=fields, exclude_defaults=True)
    references = [ArtifactRef(artifact=file.id).model_dump(mode="json", exclude_none=True) for file in attached]
    if references:
        sent["attachments"] = [*sent.get("attachments", []), *references]
    stored = []
    for field, name, media_type in (("text", "body.txt", "text/plain"), ("html", "body.html", "text/html")):
        text = sent.get(field)
        if text is not None and len(text.encode()) > inline_bytes:
            body = store(text_file(name, media_type, text))
            stored.append(body)
            sent[field] = {"artifact": str(body.id)}
    return sent, stored
