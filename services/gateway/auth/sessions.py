"""Who logged in with a browser: a cookie that names a key, signed. The key's secret is not in it.

The key is looked up with every request, so a session ends with its key at the latest.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from hmac import compare_digest

from itsdangerous import BadData, URLSafeTimedSerializer

from bureau.services.gateway.api_keys.api_key import ApiKey

COOKIE = "bureau_session"
SECONDS = 12 * 3600  # a working day; then the key is asked for again


@dataclass(frozen=True)
class SignedIn:
    """What stands in place of the key that was shown at the login. Opens what that key opens."""

    id: str
    proof: str = field(repr=False)

    def opens(self, kept: str | None) -> bool:
        """Whether `kept` is the hash of the key's secret that was shown; takes as long where there is none."""
        return compare_digest(self.proof, _proof(kept or "0" * 64)) and kept is not None


class Sessions:
    """Makes and reads cookies. `secret` is asked for when it is first needed: it may lie in the ledger."""

    def __init__(self, secret: Callable[[], str]) -> None:
        self._secret = secret

    @cached_property
    def _serializer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            self._secret(), salt="bureau.session", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def cookie(self, key: ApiKey) -> str:
        text = self._serializer.dumps([key.id, _proof(key.sha256)])
        return text if isinstance(text, str) else text.decode()

    def read(self, cookie: str) -> SignedIn | None:
        """None for what was not signed here, or too long ago."""
        try:
            key_id, proof = self._serializer.loads(cookie, max_age=SECONDS)
        except (BadData, ValueError, TypeError):
            return None
        return SignedIn(str(key_id), str(proof))


def _proof(sha256: str) -> str:
    """Of a secret's hash: what is in the cookie is not even that."""
    return hashlib.sha256(f"bureau.session:{sha256}".encode()).hexdigest()
