"""E-mail addresses and header lines, checked at the door. The mailer that sends has the last word."""

import re
from typing import Annotated
from unicodedata import category

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, StringConstraints

_WITH_NAME = re.compile(r"^(?P<name>[^<>]*)<(?P<address>[^<>]+)>$")
_PRIVATE = re.compile(r"(^|\.)(localhost|local|test)$", re.IGNORECASE)  # names that intranets and tests have


def checked_address(text: str) -> str:
    """`ada@example.com` or `Ada <ada@example.com>` as it is. Raises ValueError."""
    if any(category(c) == "Cc" for c in text):
        raise ValueError("not an e-mail address: it is one line without control characters")
    named = _WITH_NAME.match(text.strip())
    address = (named["address"] if named else text).strip()
    local, _, domain = address.rpartition("@")
    try:
        # A private name stands in front of one that is not, so that the rest of the address is still checked.
        stand_in = f"{local}@{domain}.example.com" if _PRIVATE.search(domain) else address
        validate_email(stand_in, check_deliverability=False, allow_smtputf8=False, globally_deliverable=False)
    except EmailNotValidError as error:
        reason = str(error).rstrip(".")
        raise ValueError(f"not an e-mail address: {reason}; write ada@example.com or Ada <ada@example.com>") from None
    return text


def checked_line(text: str) -> str:
    """A header's text. Raises ValueError for what could start another header or hide what it says."""
    if any(category(c) == "Cc" and c != "\t" for c in text):
        raise ValueError("a subject is one line without control characters")
    return text


# Narrower than the contract's `Address` and `HeaderText`, whose patterns make no sentence for people.
MailAddress = Annotated[str, StringConstraints(min_length=3, max_length=500), AfterValidator(checked_address)]
Subject = Annotated[str, StringConstraints(max_length=998), AfterValidator(checked_line)]
