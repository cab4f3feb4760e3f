"""Carries out `deliver: "recipients"`: each person's certificate becomes a file of the job and is mailed to them."""

from collections.abc import Sequence
from typing import Any

from bureau.contracts.artifacts import safe_name
from bureau.contracts.certificates import IssueCertificates
from bureau.contracts.errors import ErrorDetail, PermanentError
from bureau.contracts.mail.addresses import AddressInvalid, parse_mailbox
from bureau.formatting import count
from bureau.services.certificates.archive.check import CheckedArchive
from bureau.services.certificates.manifest import Listed, Manifest
from bureau.task import Context

RUN = "mailer.send"
TEMPLATE = "your-certificate"


def deliver(ctx: Context, archive: CheckedArchive, manifest: Manifest | None, request: IssueCertificates) -> int:
    """Adds a mail for each person in the manifest who has an address; returns how many.

    Raises `PermanentError` if nobody has one, or if one cannot be written to.
    """
    addressed = [listed for listed in manifest.certificates if listed.email] if manifest else []
    if manifest is None or not addressed:
        raise PermanentError(
            "no_recipients",
            "No mail can be sent: the archive’s manifest.json has no address. Add a column email to the roster.",
        )
    _refuse_bad_addresses(addressed)
    for done, listed in enumerate(addressed):
        ctx.progress(done, len(addressed), "mails prepared")
        with ctx.artifact(safe_name(listed.file), "application/pdf") as pdf:
            for piece in archive.read(listed.file):
                pdf.write(piece)
        mail = _mail(listed, manifest.organisation, pdf.ref.model_dump(mode="json"), request)
        ctx.add(f"send-{listed.serial or done + 1}", RUN, mail)
    ctx.progress(len(addressed), len(addressed), "mails prepared")
    without = len(manifest.certificates) - len(addressed)
    ctx.log(f"{count(len(addressed), 'mail is', 'mails are')} queued{_left_out(without)}")
    return len(addressed)


def _left_out(without: int) -> str:
    return f"; {count(without, 'person has', 'people have')} no address" if without else ""


def _refuse_bad_addresses(addressed: Sequence[Listed]) -> None:
    """Refuses all bad addresses at once, before anything is sent.

    The built-in issuer refuses them in their rows; this is for manifests of other issuers.
    """
    errors = []
    for listed in addressed:
        try:
            parse_mailbox(listed.email)
        except AddressInvalid as error:
            message = f"{listed.recipient}: email “{listed.email[:80]}” is not an address: {error}"
            errors.append(ErrorDetail(message, file=listed.file, column="email"))
    if errors:
        more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
        raise PermanentError(
            "recipient_address_invalid", f"No mail was sent, because of {errors[0].message}{more}.", details=errors
        )


def _mail(listed: Listed, organisation: str, attachment: dict[str, Any], request: IssueCertificates) -> dict[str, Any]:
    said = {
        "recipient": listed.recipient,
        "course": listed.course,
        "date": listed.date,
        "organisation": organisation,
        "serial": listed.serial,
        "link": listed.link,
    }
    mail: dict[str, Any] = {
        "to": [listed.email],
        "template": TEMPLATE,
        "context": {name: value for name, value in said.items() if value},
        "attachments": [attachment],
    }
    if language := listed.language or request.language:
        mail["language"] = language
    if request.subject:
        mail["subject"] = request.subject
    return mail
