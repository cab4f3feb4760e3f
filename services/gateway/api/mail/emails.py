"""Serves POST /v1/emails: one e-mail, sent as JSON, or as a form with files to attach."""

from typing import Any

from bureau.contracts.requests.emails import INLINE_BYTES, MANY_INLINE_BYTES, EmailRequest
from bureau.ledger.files.artifacts import StoredArtifact
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Body, Call, Nothing, Operation, Reply
from bureau.services.gateway.http.parsing.multipart import Files
from bureau.services.gateway.job_builders.accept import accept, submission
from bureau.services.gateway.job_builders.uploads import Store, storing, text_file
from bureau.services.gateway.problems import refuse
from bureau.submission.requests.emails import email_errors, email_job, used_by_email


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    settings = gateway.settings
    files = Files("files", at_least=0, at_most=settings.max_files, max_bytes=settings.max_file_bytes)

    def create(call: Call[EmailRequest, Nothing]) -> Reply:
        mail = call.body
        known = gateway.announcements.known()
        refuse(email_errors(mail, known, settings.limits, uploads=len(call.files)))
        with storing(gateway.storage, call.owner) as store:
            attached = [store(file) for file in call.files]
            bodies = _long_bodies(mail, store, _inline_bytes(mail, call.body_bytes))
            job = email_job(
                mail,
                call.owner,
                known,
                attached=[file.id for file in attached],
                bodies={field: body.id for field, body in bodies.items()},
            )
            return accept(gateway, call, job, [*attached, *bodies.values()], used_by_email(mail))

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


def _inline_bytes(mail: EmailRequest, body_bytes: int) -> int:
    """Returns up to which length a text stays in the input. A small request stores no file: see `stores_above`."""
    return MANY_INLINE_BYTES if mail.recipients and body_bytes > INLINE_BYTES else INLINE_BYTES


def _long_bodies(mail: EmailRequest, store: Store, inline_bytes: int) -> dict[str, StoredArtifact]:
    """Stores the texts that are too long for a row of the ledger; returns them by their field."""
    texts = (("text", mail.text, "body.txt", "text/plain"), ("html", mail.html, "body.html", "text/html"))
    return {
        field: store(text_file(name, media_type, text))
        for field, text, name, media_type in texts
        if text is not None and len(text.encode()) > inline_bytes
    }
