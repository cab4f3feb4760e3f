"""Checks who gets the mails of a request: how many there are, and their domains."""

from collections.abc import Sequence

from bureau.contracts.mail.recipient_domains import outside, rule
from bureau.contracts.problems import FieldError
from bureau.submission.requests.limits import RequestLimits


def domain_errors(limits: RequestLimits, to: Sequence[str], place: str) -> list[FieldError]:
    """Returns errors for addresses that RECIPIENT_DOMAINS does not allow."""
    refused = outside(limits.recipient_domains, to)
    return [FieldError("recipient_domain_refused", rule(limits.recipient_domains, refused), place)] if refused else []


def follow_up_errors(limits: RequestLimits, to: Sequence[str], subject: str | None) -> list[FieldError]:
    """Returns the errors of `email_to` and of its `subject`."""
    errors = []
    if len(to) > limits.max_recipients:
        detail = f"{len(to)} recipients; MAX_RECIPIENTS allows {limits.max_recipients}."
        errors.append(FieldError("too_many", detail, "#/email_to"))
    if subject and not to:
        errors.append(FieldError("refused", "A subject needs email_to; without it no mail is sent.", "#/subject"))
    return errors + domain_errors(limits, to, "#/email_to")
