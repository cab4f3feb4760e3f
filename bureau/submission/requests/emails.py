"""Checks a request for an e-mail, and builds its job."""

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.jobs import graph, pointer
from bureau.contracts.jobs.references import Used
from bureau.contracts.mail.mail import SendMail
from bureau.contracts.problems import FieldError
from bureau.contracts.requests.emails import MAX_ATTACHMENTS, EmailRequest
from bureau.ledger.jobs.submit import NewJob
from bureau.submission.announcements import CatalogSnapshot
from bureau.submission.names import named
from bureau.submission.requests.each_recipient import email_title, mails, recipient_errors
from bureau.submission.requests.limits import RequestLimits
from bureau.submission.requests.mail_tasks import RUN, mail_task
from bureau.submission.terms import new_job, terms_errors


def email_errors(
    mail: EmailRequest, known: CatalogSnapshot, limits: RequestLimits, *, uploads: int = 0
) -> list[FieldError]:
    """Returns all errors of a request that attaches `uploads` files besides its stored ones."""
    errors = terms_errors(mail)
    errors += recipient_errors(mail, limits)
    size = len(json.dumps(mail.context, separators=(",", ":")).encode()) if mail.context else 0
    if size > limits.max_context_bytes:
        detail = f"The context is {size} bytes; MAX_CONTEXT_BYTES allows {limits.max_context_bytes}."
        errors.append(FieldError("too_large", detail, "#/context"))
    if uploads + len(mail.attachments) > MAX_ATTACHMENTS:
        detail = f"{uploads + len(mail.attachments)} attachments; a mail has at most {MAX_ATTACHMENTS}."
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


def email_job(
    mail: EmailRequest,
    owner: str,
    known: CatalogSnapshot,
    *,
    attached: Sequence[UUID] = (),
    bodies: Mapping[str, UUID] | None = None,
    job_id: UUID | None = None,
) -> NewJob:
    """Builds the job of a request without errors.

    `attached` are uploads besides the stored files that it names; `bodies` are the stored `text` and
    `html`, by their field.
    """
    sent = mail.model_dump(mode="json", by_alias=True, include=set(SendMail.model_fields), exclude_defaults=True)
    references = [ArtifactRef(artifact=upload).model_dump(mode="json", exclude_none=True) for upload in attached]
    if references:
        sent["attachments"] = [*sent.get("attachments", []), *references]
    stored = bodies or {}
    sent |= {field: {"artifact": str(body)} for field, body in stored.items()}
    return new_job(
        mail,
        owner=owner,
        kind="email",
        title=email_title(mail),
        tasks=[mail_task(name, one, mail, known) for name, one in mails(mail, sent).items()],
        uses=[*attached, *stored.values(), *(one.artifact for one in used_by_email(mail))],
        job_id=job_id,
    )


def used_by_email(mail: EmailRequest) -> list[Used]:
    """Returns the stored files that a request names, and where."""
    return [
        *(Used(ref.artifact, ("attachments", index)) for index, ref in enumerate(mail.attachments)),
        *(Used(ref.artifact, ("inline", cid)) for cid, ref in mail.inline.items()),
        *(Used(ref.artifact, ("links", name)) for name, ref in mail.links.items()),
    ]
