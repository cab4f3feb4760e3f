"""Decides who hears that a job has failed."""

from collections.abc import Sequence

from bureau.contracts.mail.addresses import AddressInvalid, parse_mailbox


def who_hears_of_failure(asked: Sequence[str], owner: str, standard: str) -> list[str]:
    """Returns the recipients of the notice that a report or certificates have failed.

    They are the addresses in the request, else the key's owner if it is an address, else FAILURE_EMAIL_TO.
    """
    if asked:
        return list(asked)
    try:
        parse_mailbox(owner)
    except AddressInvalid:
        return [address.strip() for address in standard.split(",") if address.strip()]
    return [owner]
