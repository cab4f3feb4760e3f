"""Addresses of a mail, read with errors that name the field."""

from collections.abc import Sequence

from bureau.contracts.errors import PermanentError
from bureau.contracts.mail.addresses import AddressInvalid, Mailbox, folded, parse_mailbox


def mailbox(field: str, text: str) -> Mailbox:
    """`parse_mailbox`, its complaint turned into the task's error: field, value, rule and mend."""
    try:
        return parse_mailbox(text)
    except AddressInvalid as error:
        raise PermanentError(
            "mail_address_invalid",
            f"{field}: {text!r} is not an e-mail address: {error}. "
            "Write it as ada@example.com or Ada <ada@example.com>.",
        ) from None


def mailboxes(field: str, texts: Sequence[str]) -> tuple[Mailbox, ...]:
    """Each of `texts` as `field/0`, `field/1`, …; an address given twice is kept once."""
    found: dict[str, Mailbox] = {}
    for position, text in enumerate(texts):
        parsed = mailbox(f"{field}/{position}", text)
        found.setdefault(folded(parsed.address), parsed)
    return tuple(found.values())
