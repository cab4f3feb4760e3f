"""A key as people carry it: `bureau_<id>_<secret>`."""

import re
import secrets
import string
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest

_ALPHABET = string.ascii_letters + string.digits
_ID_LENGTH = 10
_SECRET_LENGTH = 43  # 256 bits
_FORM = re.compile(r"bureau_([0-9a-z]{4,16})_([0-9A-Za-z]{32,128})")


@dataclass(frozen=True)
class ApiKey:
    """Its id may be seen by anybody, its secret by nobody."""

    id: str
    secret: str = field(repr=False)

    @property
    def sha256(self) -> str:
        """Of the secret. It has 256 random bits: nothing slower is needed."""
        return sha256(self.secret.encode()).hexdigest()

    def opens(self, kept: str | None) -> bool:
        """Whether `kept` is the hash of this secret; takes as long where there is none."""
        return compare_digest(self.sha256, kept or "0" * 64) and kept is not None

    def text(self) -> str:
        """The whole key, to be shown once."""
        return f"bureau_{self.id}_{self.secret}"


def make() -> ApiKey:
    lower = string.ascii_lowercase + string.digits
    key_id = "".join(secrets.choice(lower) for _ in range(_ID_LENGTH))
    return ApiKey(key_id, "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH)))


def parse(text: str) -> ApiKey | None:
    """None for what is no key."""
    found = _FORM.fullmatch(text)
    return ApiKey(found[1], found[2]) if found else None
