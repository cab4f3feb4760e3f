"""Checks the fields of a row. Pure."""

import re
import unicodedata
from collections.abc import Iterator

from bureau.contracts.mail.addresses import AddressInvalid, parse_mailbox
from bureau.services.certificates.issuer.rosters.languages import LANGUAGES, language_of
from bureau.services.certificates.issuer.rosters.people import is_no_person

# These are the longest fields allowed: with all of them so long, the certificate is still one page.
MAX_CHARACTERS = {
    "recipient": 120,
    "email": 254,
    "course": 200,
    "date": 40,
    "hours": 40,
    "grade": 40,
    "id": 60,
    "language": 40,
}
_LOST_CHARACTER = "\N{REPLACEMENT CHARACTER}"
# A question mark next to a letter: the file was saved in an encoding without that letter.
_LOST_LETTER = re.compile(r"[^\W\d_]\?|\?[^\W\d_]")


def clean(value: str) -> str:
    """Returns a cell's text with single spaces, composed."""
    return unicodedata.normalize("NFC", " ".join(value.split()))


def field_errors(field: str, value: str) -> Iterator[str]:
    """Yields a message for each error of a cleaned value."""
    if len(value) > MAX_CHARACTERS[field]:
        yield f"{field} has {len(value)} characters; at most {MAX_CHARACTERS[field]} fit"
        return
    if any(unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") for c in value):
        yield f"{field} holds characters that are not text; type it again"
    if _LOST_CHARACTER in value:
        yield f"{field} holds “{_LOST_CHARACTER}”, left where an earlier conversion lost a letter; type it again"
    elif garbled := _garbled(value):
        yield f"{field} “{value[:60]}” was garbled by an earlier conversion; it seems to be “{garbled[:60]}”"
    if field == "recipient" and _LOST_LETTER.search(value):
        yield f"recipient “{value[:60]}” holds “?”, left where an earlier conversion lost a letter; type it again"
    if field == "recipient" and is_no_person(value):
        yield f"recipient “{value[:60]}” is not a person; remove the line"
    if field == "email" and value:
        yield from _address_errors(value)
    if field == "language" and value and language_of(value) is None:
        known = ", ".join(f"{code} ({name})" for code, name in LANGUAGES.items())
        yield f"language “{value[:40]}” is not one of the languages of certificates: {known}"


def _address_errors(value: str) -> Iterator[str]:
    """Yields the errors of an address by the rule of every mail: an address that passes here can be mailed to."""
    try:
        parse_mailbox(value)
    except AddressInvalid as error:
        yield f"email “{value[:60]}” is not an address: {error}"


def _garbled(value: str) -> str | None:
    """Returns what a value was before its UTF-8 was read as Windows-1252: `José` for `JosÃ©`."""
    if value.isascii():
        return None
    try:
        was = value.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return None
    return was if all(character.isascii() or character.isalpha() for character in was) else None
