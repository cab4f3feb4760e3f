"""Makes a mail of their own for each of the `recipients` of POST /v1/emails, and checks them."""

import json
from collections.abc import Iterator
from typing import Any

from bureau.contracts.jobs import graph, pointer
from bureau.contracts.mail.addresses import folded, parse_mailbox
from bureau.contracts.problems import FieldError
from bureau.contracts.requests.emails import EmailRequest
from bureau.submission.requests.limits import RequestLimits
from bureau.submission.requests.recipients import domain_errors

# What the mails of a request share is stored once for each of them, so a small request could fill the ledger.
INPUTS_BYTES = 8 * 1024 * 1024


def mails(mail: EmailRequest, sent: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns the inputs of `mailer.send` by the name of their task; `sent` is what all mails share."""
    if not mail.recipients:
        return {"send": sent}
    return {f"send-{number}": {**sent, **own} for number, own in enumerate(_own(mail), 1)}


def _own(mail: EmailRequest) -> Iterator[dict[str, Any]]:
    for person in mail.recipients:
        own: dict[str, Any] = person.model_dump(mode="json", exclude={"to", "context"}, exclude_none=True)
        if context := {**mail.context, **person.context}:
            own["context"] = context
        yield {"to": [person.to], **own}


def email_title(mail: EmailRequest) -> str:
    """Returns the title of a job whose request has none."""
    if mail.subject:
        return mail.subject
    everybody = [*mail.to, *mail.cc, *mail.bcc, *(person.to for person in mail.recipients)]
    return f"{mail.template} to {everybody[0] if len(mail.recipients) < 2 else f'{len(everybody)} recipients'}"


def recipient_errors(mail: EmailRequest, limits: RequestLimits) -> Iterator[FieldError]:
    """Yields what is wrong with the recipients, those of one mail and those who get a mail of their own."""
    shared = len(mail.to) + len(mail.cc) + len(mail.bcc)
    if not shared and not mail.recipients:
        yield FieldError("missing", "Name a recipient in to, cc or bcc, or many people in recipients.", "#/to")
    elif shared and mail.recipients:
        yield FieldError("given_twice", "Give recipients, or to, cc and bcc, not both.", "#/recipients")
    elif shared > limits.max_recipients:
        detail = f"{shared} recipients; MAX_RECIPIENTS allows {limits.max_recipients} in a mail."
        yield FieldError("too_many", f"{detail} With `recipients`, each person gets a mail of their own.", "#/to")
    for field, people in (("to", mail.to), ("cc", mail.cc), ("bcc", mail.bcc)):
        yield from domain_errors(limits, people, f"#/{field}")
    if mail.recipients:
        yield from _each_errors(mail, limits)


def _each_errors(mail: EmailRequest, limits: RequestLimits) -> Iterator[FieldError]:
    yield from domain_errors(limits, [person.to for person in mail.recipients], "#/recipients")
    first: dict[str, int] = {}
    for index, person in enumerate(mail.recipients):
        address = folded(parse_mailbox(person.to).address)
        if (other := first.setdefault(address, index)) != index:
            detail = f"{person.to} is listed at /recipients/{other} too and would get two mails."
            yield FieldError("repeated", detail, pointer.fragment(["recipients", index, "to"]))
        yield from _context_errors(mail, index, limits.max_context_bytes)
    if (size := _inputs_bytes(mail)) > INPUTS_BYTES:
        detail = f"The mails have {size} bytes together, the limit is {INPUTS_BYTES}: what they share counts for each."
        yield FieldError("too_large", f"{detail} Send fewer in a job.", "#/recipients")


def _context_errors(mail: EmailRequest, index: int, at_most: int) -> Iterator[FieldError]:
    own = mail.recipients[index].context
    if not own:
        return
    size = _bytes({**mail.context, **own})
    if size > at_most:
        detail = f"With the shared context it has {size} bytes; MAX_CONTEXT_BYTES allows {at_most}."
        yield FieldError("too_large", detail, pointer.fragment(["recipients", index, "context"]))
    for name in sorted(mail.links.keys() & own.keys()):
        detail = "The name is in links too; give it once."
        yield FieldError("given_twice", detail, pointer.fragment(["recipients", index, "context", name]))
    for reference in graph.references(own):
        place = pointer.fragment(["recipients", index, "context", *reference.path])
        yield FieldError("refused", "There is no task before this one to take a result from.", place)


def _inputs_bytes(mail: EmailRequest) -> int:
    """Returns about how much the inputs of all mails take; texts count as if they were short or stored as files."""
    shared = mail.model_dump(mode="json", include={"context", "links", "attachments", "inline", "headers"})
    own = sum(_bytes(person.context) for person in mail.recipients if person.context)
    return _bytes(shared) * len(mail.recipients) + own


def _bytes(value: Any) -> int:
    return len(json.dumps(value, separators=(",", ":")).encode())
