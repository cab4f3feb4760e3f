"""E-mail addresses and header lines, checked at the door. The mailer that sends has the last word."""

from typing import Annotated
from unicodedata import category

from pydantic import AfterValidator, StringConstraints

from bureau.contracts.mail.addresses import AddressInvalid, parse_mailbox


def checked_address(text: str) -> str:
    """`ada@example.com` or `Ada <ada@example.com>` as it is. Raises ValueError."""
    try:
        parse_mailbox(text)
    except AddressInvalid as error:
        raise ValueError(f"not an e-mail address: {error}; write ada@example.com or Ada <ada@example.com>") from None
    return text


def checked_line(text: str) -> str:
    """A header's text. Raises ValueError for what could start another header or hide what it says."""
    if not text.isprintable() and any(category(c) == "Cc" and c != "\t" for c in text):
        raise ValueError("a subject is one line without control characters")
    return text


# Narrower than the contract's `Address` and `HeaderText`, whose patterns make no sentence for people.
MailAddress = Annotated[str, StringConstraints(min_length=3, max_length=500), AfterValidator(checked_address)]
Subject = Annotated[str, StringConstraints(max_length=998), AfterValidator(checked_line)]
