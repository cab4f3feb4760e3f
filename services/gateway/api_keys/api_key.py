"""Parses and prints API keys as people use them: `bureau_<id>_<secret>`."""

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
    """Is an API key. Its id is public, its secret is not."""

    id: str
    secret: str = field(repr=False)

    @property
    def sha256(self) -> str:
        """Returns the hash of the secret. The secret has 256 random bits, so a slower hash is not needed."""
        return sha256(self.secret.encode()).hexdigest()

    def opens(self, kept: str | None) -> bool:
        """Returns whether `kept` is the hash of this secret.

        Takes as long without `kept`, so that timing reveals nothing.
        """
        return compare_digest(self.sha256, kept or "0" * 64) and kept is not None

    def text(self) -> str:
        """Returns the whole key, which is shown only once."""
        return f"bureau_{self.id}_{self.secret}"


def make() -> ApiKey:
    lower = string.ascii_lowercase + string.digits
    key_id = "".join(secrets.choice(lower) for _ in range(_ID_LENGTH))
    return ApiKey(key_id, "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH)))


def parse(text: str) -> ApiKey | None:
    """Returns the key, or None for a text that is not a key."""
    found = _FORM.fullmatch(text)
    return ApiKey(found[1], found[2]) if found else None
