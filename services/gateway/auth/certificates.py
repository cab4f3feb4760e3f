"""Verifies signatures on certificates with the trusted keys.

These are the keys in the settings, and the one that the all-in-one process keeps.
"""

from bureau.ledger.access.shared_secrets import CERTIFICATES, known_secret
from bureau.ledger.db.database import Database
from bureau.services.gateway.settings import GatewaySettings, key_list
from bureau.signing.certificate_tokens import Claims, Signer, TokenInvalid, Verifier


class CertificateKeys:
    """Verifies tokens. It connects to the ledger only for a token that no configured key has signed."""

    def __init__(self, settings: GatewaySettings, db: Database) -> None:
        self._given = Verifier(key_list(settings.certificates_public_keys))
        self._db = db
        self._kept: Verifier | None = None

    def read(self, token: str) -> Claims:
        """Returns the token's contents.

        Raises `TokenInvalid`, and `LedgerUnavailable` if the ledger may hold the key that it needs.
        """
        try:
            return self._given.read(token)
        except TokenInvalid:
            return self._kept_one().read(token)

    def _kept_one(self) -> Verifier:
        if self._kept is None:
            key = known_secret(self._db, CERTIFICATES)
            if key is None:
                raise TokenInvalid
            self._kept = Verifier([Signer(key).public_key])
        return self._kept
