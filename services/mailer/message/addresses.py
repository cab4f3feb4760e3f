"""Parses a mail's addresses; errors name the field."""

from collections.abc import Sequence

from bureau.contracts.errors import PermanentError
from bureau.contracts.mail.addresses import AddressInvalid, Mailbox, folded, parse_mailbox


def mailbox(field: str, text: str) -> Mailbox:
    """Parses an address as `parse_mailbox` does, and raises the task's error with field, value, rule and fix."""
    try:
        return parse_mailbox(text)
    except AddressInvalid as error:
        raise PermanentError(
            "mail_address_invalid",
            f"{field}: {text!r} is not an e-mail address: {error}. "
            "Write it as ada@example.com or Ada <ada@example.com>.",
        ) from None


def mailboxes(field: str, texts: Sequence[str]) -> tuple[Mailbox, ...]:
    """Parses each of `texts` as `field/0`, `field/1`, …; an address given twice is kept once."""
    found: dict[str, Mailbox] = {}
    for position, text in enumerate(texts):
        parsed = mailbox(f"{field}/{position}", text)
        found.setdefault(folded(parsed.address), parsed)
    return tuple(found.values())
