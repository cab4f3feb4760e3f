"""Makes the link in a certificate's QR code. It leads to the gateway's public page, which verifies its signature."""

from collections.abc import Callable
from functools import cached_property

from bureau.services.certificates.issuer.settings import IssuerSettings
from bureau.settings import SettingsError
from bureau.signing.certificate_tokens import Claims, Signer


class CertificateLinks:
    """Signs links to the gateway at `base_url`. `key` is called when first needed, because it may be in the ledger."""

    def __init__(self, key: Callable[[], str], base_url: str) -> None:
        self._key = key
        self._base_url = base_url.rstrip("/")

    @cached_property
    def _signer(self) -> Signer:
        return Signer(self._key())

    def link(self, claims: Claims) -> str:
        return f"{self._base_url}/c/{self._signer.token(claims)}"


def links_of(settings: IssuerSettings) -> CertificateLinks | None:
    """Returns None without a key: then certificates have no link. Raises `SettingsError`."""
    key = settings.issuer_signing_key.get_secret_value()
    if not key:
        return None
    if not settings.public_url.startswith(("http://", "https://")):
        raise SettingsError(
            ["PUBLIC_URL: set it with ISSUER_SIGNING_KEY, such as https://bureau.example.com; QR codes lead there"]
        )
    return CertificateLinks(lambda: key, settings.public_url)
