"""Says which headers of its own a mail may have: an allow-list, so that none can address, forge or encode a mail."""

import re
from collections.abc import Iterator, Mapping

NAME_PATTERN = (
    r"^([Xx]-[A-Za-z0-9][A-Za-z0-9-]{0,60}|[Ll][Ii][Ss][Tt]-[A-Za-z][A-Za-z-]{0,60}"
    r"|In-Reply-To|References|Auto-Submitted|Precedence|Importance)$"
)
NAMES = "X-…, List-…, In-Reply-To, References, Auto-Submitted, Precedence or Importance"
VALUE_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$"
LONGEST_VALUE = 900  # a line has 998 octets at most (RFC 5322, section 2.1.1)

# Bureau's own, those that mail servers add, and those with which a request could tell a relay to write to other people.
_RESERVED = re.compile(r"x-(?:bureau|envelope|original|failed|received|sender|to|cc|bcc|sg|smtpapi|msys|mc)(?:-.*)?$")
_IN_WORDS = re.compile(r"x-")  # only these may have a value that is not ASCII; the others have a grammar
_NAME = re.compile(NAME_PATTERN)
_VALUE = re.compile(VALUE_PATTERN)


def header_errors(headers: Mapping[str, str]) -> Iterator[str]:
    """Yields what is wrong with the headers of a mail, if anything."""
    seen: set[str] = set()
    for name, value in headers.items():
        lowered = name.lower()
        if not _NAME.fullmatch(name):
            yield f"{name[:70]!r} is not a header that a mail may have of its own: {NAMES}"
        elif _RESERVED.match(lowered):
            yield f"{name} is reserved, for Bureau or for a provider"
        elif lowered in seen:
            yield f"{name} is given twice"
        elif not _VALUE.fullmatch(value) or not value.strip() or len(value) > LONGEST_VALUE:
            yield f"{name} must be one line of 1 to {LONGEST_VALUE} characters, without control characters"
        elif not value.isascii() and not _IN_WORDS.match(lowered):
            yield f"{name} must be in ASCII"
        seen.add(lowered)
