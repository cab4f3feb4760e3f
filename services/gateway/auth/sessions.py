"""Keeps browser sessions in a signed cookie that names a key. The key's secret is not in it.

The key is looked up with every request, so a session ends with its key at the latest. A logout ends the session in the
ledger, so that copies of the cookie stop working too.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from hmac import compare_digest
from secrets import token_hex

from itsdangerous import BadData, URLSafeTimedSerializer

from bureau.services.gateway.api_keys.api_key import ApiKey

COOKIE = "bureau_session"
SECONDS = 12 * 3600  # a working day; then the key is asked for again


@dataclass(frozen=True)
class SignedIn:
    """Stands for the key that was shown at the login, and gives the same access."""

    id: str
    proof: str = field(repr=False)
    session: str = ""  # the id of the login, which a logout ends

    def opens(self, kept: str | None) -> bool:
        """Returns whether `kept` is the hash of the secret of the key used at the login.

        Takes as long without `kept`.
        """
        return compare_digest(self.proof, _proof(kept or "0" * 64)) and kept is not None


class Sessions:
    """Makes and reads cookies. `secret` is called at first use, because the secret may be in the ledger."""

    def __init__(self, secret: Callable[[], str]) -> None:
        self._secret = secret

    @cached_property
    def _serializer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            self._secret(), salt="bureau.session", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def cookie(self, key: ApiKey) -> str:
        text = self._serializer.dumps([key.id, _proof(key.sha256), token_hex(16)])
        return text if isinstance(text, str) else text.decode()

    def read(self, cookie: str) -> SignedIn | None:
        """Returns the session; None for a cookie that was not signed here, or too long ago."""
        try:
            key_id, proof, session = self._serializer.loads(cookie, max_age=SECONDS)
        except (BadData, ValueError, TypeError):
            return None
        return SignedIn(str(key_id), str(proof), str(session))


def _proof(sha256: str) -> str:
    """Returns a hash of the secret's hash, so that the cookie does not contain even that hash."""
    return hashlib.sha256(f"bureau.session:{sha256}".encode()).hexdigest()
