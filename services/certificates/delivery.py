"""Carries out `deliver: "recipients"`: each person's certificate becomes a file of the job and is mailed to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bureau.contracts.artifacts import safe_name
from bureau.contracts.certificates import IssueCertificates, NotMailed
from bureau.contracts.errors import ErrorDetail, PermanentError
from bureau.contracts.mail.addresses import AddressInvalid, parse_mailbox
from bureau.formatting import count
from bureau.services.certificates.archive.check import CheckedArchive
from bureau.services.certificates.languages import language_of
from bureau.services.certificates.manifest import Listed, Manifest
from bureau.task import Context

RUN = "mailer.send"
TEMPLATE = "your-certificate"
SHOWN = 5  # lines in the log, of which more than a few a second are partly dropped


@dataclass(frozen=True)
class Delivered:
    """Holds the number of mails, and the people who get none because their address is invalid."""

    mails: int = 0
    not_mailed: Sequence[NotMailed] = ()


def deliver(ctx: Context, archive: CheckedArchive, manifest: Manifest | None, request: IssueCertificates) -> Delivered:
    """Adds a mail for each person in the manifest who has an address; invalid addresses are left out and reported.

    Raises `PermanentError` if nobody can be written to.
    """
    addressed = [listed for listed in manifest.certificates if listed.email] if manifest else []
    if manifest is None or not addressed:
        raise PermanentError(
            "no_recipients",
            "No mail can be sent: the archive’s manifest.json has no address. Add a column email to the roster.",
        )
    good, bad = _sorted_out(addressed)
    for done, listed in enumerate(good):
        ctx.progress(done, len(good), "mails prepared")
        with ctx.artifact(safe_name(listed.file), "application/pdf") as pdf:
            for piece in archive.read(listed.file):
                pdf.write(piece)
        mail = _mail(listed, manifest.organisation, pdf.ref.model_dump(mode="json"), request)
        ctx.add(f"send-{listed.serial or done + 1}", RUN, mail)
    ctx.progress(len(good), len(good), "mails prepared")
    without = len(manifest.certificates) - len(addressed)
    ctx.log(f"{count(len(good), 'mail is', 'mails are')} queued{_left_out(without)}")
    for one in bad[:SHOWN]:
        ctx.log(f"not mailed: {one.recipient}: {one.reason}")
    if len(bad) > SHOWN:
        ctx.log(f"{len(bad) - SHOWN} more are not mailed")
    return Delivered(len(good), bad)


def _left_out(without: int) -> str:
    return f"; {count(without, 'person has', 'people have')} no address" if without else ""


def _sorted_out(addressed: Sequence[Listed]) -> tuple[list[Listed], list[NotMailed]]:
    """Returns who can be written to, and who cannot. Raises `PermanentError` with all errors if that is everybody.

    The built-in issuer checks the addresses in its rosters; this is for manifests of other issuers.
    """
    good, bad = [], []
    for listed in addressed:
        try:
            parse_mailbox(listed.email)
        except AddressInvalid as error:
            reason = f"email “{listed.email[:80]}” is not an address: {error}"
            bad.append(NotMailed(file=listed.file, recipient=listed.recipient, reason=reason))
        else:
            good.append(listed)
    if not good:
        errors = [ErrorDetail(f"{one.recipient}: {one.reason}", file=one.file, column="email") for one in bad]
        more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
        raise PermanentError(
            "recipient_address_invalid", f"No mail was sent, because of {errors[0].message}{more}.", details=errors
        )
    return good, bad


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
    if language := language_of(listed, request):
        mail["language"] = language
    if request.subject:
        mail["subject"] = request.subject
    return mail
