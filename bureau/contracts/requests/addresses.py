"""Checks e-mail addresses and header lines of requests.

The mailer that sends the mail checks them again and decides.
"""

from typing import Annotated
from unicodedata import category

from pydantic import AfterValidator, StringConstraints

from bureau.contracts.mail.addresses import AddressInvalid, parse_mailbox

MAX_LISTED = 1000  # addresses that are checked; MAX_RECIPIENTS allows a mail far fewer, and says so


def checked_address(text: str) -> str:
    """Returns `ada@example.com` or `Ada <ada@example.com>` unchanged. Raises ValueError."""
    try:
        parse_mailbox(text)
    except AddressInvalid as error:
        raise ValueError(f"not an e-mail address: {error}; write ada@example.com or Ada <ada@example.com>") from None
    return text


def checked_line(text: str) -> str:
    """Returns a header's text. Raises ValueError for a text that could start another header or hide what it says."""
    if not text.isprintable() and any(category(c) == "Cc" and c != "\t" for c in text):
        raise ValueError("a subject is one line without control characters")
    return text


# They are narrower than the contract's `Address` and `HeaderText`, whose patterns make no readable error messages.
MailAddress = Annotated[str, StringConstraints(min_length=3, max_length=500), AfterValidator(checked_address)]
Subject = Annotated[str, StringConstraints(max_length=998), AfterValidator(checked_line)]
