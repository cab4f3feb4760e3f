"""E-mail addresses as people write them: `ada@example.com`, `Ada Lovelace <ada@example.com>`, `用户@例え.jp`."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

# Names that exist on one machine or network only. email-validator refuses them, intranets and tests need them.
_PRIVATE_SUFFIXES = ("localhost", "local", "test")
_STAND_IN = ".example.com"

_PLAIN = re.compile(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*")  # nothing that a rule is about, whatever the domain
_WHOLE = 254
_LOCAL_PART = 64  # octets (RFC 5321, section 4.5.3.1.1); email-validator counts those of the whole, 254

_BRACKETED = re.compile(r"^(?P<name>.*?)\s*<(?P<address>[^<>]*)>$", re.DOTALL)
_QUOTED = re.compile(r'^"(?P<inside>(?:[^"\\]|\\.)*)"$', re.DOTALL)


class AddressInvalid(ValueError):
    """Not an address we can mail to; the text is the rule it breaks."""


@dataclass(frozen=True)
class Mailbox:
    """`address` is what SMTP takes: any script before the @ (RFC 6531, in NFC), the domain in lower case and ASCII, an
    international one in its `xn--` form."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def folded(address: str) -> str:
    """The form in which addresses are compared: who differ by case alone are one, whatever RFC 5321 would allow."""
    return unicodedata.normalize("NFC", address.lower())


@lru_cache(maxsize=2048)
def parse_mailbox(text: str) -> Mailbox:
    """Reads one address, with or without a display name. Raises `AddressInvalid`."""
    stripped = text.strip(" \t")
    if any(character in text for character in "\r\n\0"):
        raise AddressInvalid("an address is one line without control characters")
    match = _BRACKETED.match(stripped)
    if match is None:
        return Mailbox("", _address(stripped))
    return Mailbox(_display_name(match["name"].strip()), _address(match["address"].strip()))


def domain_name(text: str) -> str:
    """A domain as it stands in `Mailbox.address`. What is none stays as it is, in lower case, and is no address's."""
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
    """The domain of an address with a plain local part, checked once; None where the whole address is to be checked."""
    try:
        return _checked(f"a@{domain}", "a", domain).removeprefix("a@") if domain.isascii() else None
    except AddressInvalid:
        return None


def _checked(text: str, local: str, domain: str) -> str:
    # Here, because it compiles its patterns at import, and most processes read no address at their start.
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
        raise AddressInvalid(f"before the @ it has {octets} octets in UTF-8, more than {_LOCAL_PART}")
    return f"{checked.local_part}@{ascii_domain}"
