"""Parses e-mail addresses: `ada@example.com`, `Ada Lovelace <ada@example.com>`, `用户@例え.jp`."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

# Names that exist on one machine or network only. email-validator refuses them, but intranets and tests need them.
_PRIVATE_SUFFIXES = ("localhost", "local", "test")
_STAND_IN = ".example.com"

_PLAIN = re.compile(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*")  # no rule applies to these, whatever the domain
_WHOLE = 254
_LOCAL_PART = 64  # octets (RFC 5321, section 4.5.3.1.1); email-validator limits only the whole address, to 254

_BRACKETED = re.compile(r"^(?P<name>.*?)\s*<(?P<address>[^<>]*)>$", re.DOTALL)
_QUOTED = re.compile(r'^"(?P<inside>(?:[^"\\]|\\.)*)"$', re.DOTALL)


class AddressInvalid(ValueError):
    """Says which rule a text breaks that is not an address."""


@dataclass(frozen=True)
class Mailbox:
    """Holds a display name and an address in the form that SMTP takes.

    The part before the @ may be in any script (RFC 6531, in NFC). The domain is in lower case and ASCII, an
    international one in its `xn--` form.
    """

    name: str
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def folded(address: str) -> str:
    """Returns the form in which addresses are compared.

    Addresses that differ only in case are equal, although RFC 5321 would allow them to differ.
    """
    return unicodedata.normalize("NFC", address.lower())


@lru_cache(maxsize=2048)
def parse_mailbox(text: str) -> Mailbox:
    """Parses one address, with or without a display name. Raises `AddressInvalid`."""
    stripped = text.strip(" \t")
    if any(character in text for character in "\r\n\0"):
        raise AddressInvalid("an address is one line without control characters")
    match = _BRACKETED.match(stripped)
    if match is None:
        return Mailbox("", _address(stripped))
    return Mailbox(_display_name(match["name"].strip()), _address(match["address"].strip()))


def domain_name(text: str) -> str:
    """Returns a domain in the form that `Mailbox.address` has.

    An invalid domain is returned in lower case; it matches no address.
    """
    try:
        return parse_mailbox(f"anybody@{text.strip()}").domain
    except AddressInvalid:
        return text.strip().lower()


def _display_name(text: str) -> str:
    quoted = _QUOTED.match(text)
    name = re.sub(r"\\(.)", r"\1", quoted["inside"]) if quoted else text
    if not quoted and any(character in name for character in '<>"'):
        raise AddressInvalid('a name with <, > or " needs quotes around it')
    if not name.isprintable():
        raise AddressInvalid("a name has no control characters")
    return name


def _address(text: str) -> str:
    local, _, domain = text.rpartition("@")
    if _PLAIN.fullmatch(local) and len(local) <= _LOCAL_PART and len(text) <= _WHOLE and (known := _plain(domain)):
        return f"{local}@{known}"
    return _checked(text, local, domain)


@lru_cache(maxsize=2048)
def _plain(domain: str) -> str | None:
    """Returns the checked domain of an address with a plain local part; None if the whole address must be checked."""
    try:
        return _checked(f"a@{domain}", "a", domain).removeprefix("a@") if domain.isascii() else None
    except AddressInvalid:
        return None


def _checked(text: str, local: str, domain: str) -> str:
    # Imported here, because it compiles its patterns at import, and most processes read no address at their start.
    from email_validator import EmailNotValidError, validate_email

    lowered = domain.lower()
    private = any(lowered == suffix or lowered.endswith(f".{suffix}") for suffix in _PRIVATE_SUFFIXES)
    try:
        checked = validate_email(
            f"{local}@{domain}{_STAND_IN}" if private else text,
            check_deliverability=False,
            globally_deliverable=False,
        )
    except EmailNotValidError as error:
        raise AddressInvalid(str(error).rstrip(".")) from None
    ascii_domain = checked.ascii_domain.removesuffix(_STAND_IN) if private else checked.ascii_domain
    if (octets := len(checked.local_part.encode())) > _LOCAL_PART:
        raise AddressInvalid(f"the part before the @ has {octets} octets in UTF-8, more than {_LOCAL_PART}")
    return f"{checked.local_part}@{ascii_domain}"
