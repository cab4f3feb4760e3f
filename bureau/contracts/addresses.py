"""E-mail addresses as people write them: `ada@example.com` or `Ada Lovelace <ada@example.com>`."""

import re
from dataclasses import dataclass
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

# Names that exist on one machine or network only. email-validator refuses them, intranets and tests need them.
_PRIVATE_SUFFIXES = ("localhost", "local", "test")
_STAND_IN = ".example.com"

_BRACKETED = re.compile(r"^(?P<name>.*?)\s*<(?P<address>[^<>]*)>$", re.DOTALL)
_QUOTED = re.compile(r'^"(?P<inside>(?:[^"\\]|\\.)*)"$', re.DOTALL)


class AddressInvalid(ValueError):
    """Not an address we can mail to; the text is the rule it breaks."""


@dataclass(frozen=True)
class Mailbox:
    """`address` is what SMTP takes: ASCII, an international domain in its `xn--` form, the domain in lower case."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


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
    lowered = domain.lower()
    private = any(lowered == suffix or lowered.endswith(f".{suffix}") for suffix in _PRIVATE_SUFFIXES)
    try:
        checked = validate_email(
            f"{local}@{domain}{_STAND_IN}" if private else text,
            check_deliverability=False,
            allow_smtputf8=False,
            globally_deliverable=False,
        )
    except EmailNotValidError as error:
        raise AddressInvalid(str(error).rstrip(".")) from None
    address = str(checked.ascii_email)  # never None without SMTPUTF8
    return address.removesuffix(_STAND_IN) if private else address
