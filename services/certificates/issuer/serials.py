"""Makes serial numbers: the same request makes the same ones, and no two certificates share one. Pure."""

import hashlib
import json
from dataclasses import astuple

from bureau.services.certificates.issuer.rosters.roster import RosterRow

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32, without I, L, O and U, which are misread
_LENGTH = 16  # 80 bits: among a thousand million, any two agree with a chance of one in two million


def serial(organisation: str, roster_number: int, row: RosterRow, idempotency_key: str) -> str:
    """Returns `XXXX-XXXX-XXXX-XXXX`, made from the organisation, the row with its place, and the request."""
    content = json.dumps([organisation, roster_number, astuple(row), idempotency_key], ensure_ascii=True)
    number = int.from_bytes(hashlib.sha256(content.encode("ascii")).digest(), "big")
    digits = "".join(_DIGITS[number >> (5 * place) & 31] for place in range(_LENGTH))
    return "-".join(digits[start : start + 4] for start in range(0, _LENGTH, 4))
