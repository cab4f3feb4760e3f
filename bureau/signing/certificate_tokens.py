"""Signs and verifies the claims in a certificate's link, with Ed25519 (RFC 8032) and without asking a server.

A token is base64url without padding. It holds one byte of version, the claims as UTF-8 between unit separators (0x1F),
and the 64 bytes of the signature over the context and all before it. Tokens are read for decades, so every version must
stay readable.

The cryptography package is imported where it is used, because it takes 8 MB and few processes sign or verify.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

VERSION = 1
MAX_TOKEN_CHARACTERS = 1200
KEY_BYTES = 32

_CONTEXT = b"bureau.certificate\0"  # makes a signature for any other purpose invalid here
_SIGNATURE_BYTES = 64
_SEPARATOR = "\x1f"
# Limits in bytes of UTF-8; a QR code of more bytes would have dots too fine for a phone.
_MAX_BYTES = {"serial": 40, "recipient": 120, "course": 160, "date": 40, "organisation": 80, "language": 2}


@dataclass(frozen=True)
class Claims:
    """Says who was certified for what, when, by whom and under which serial. Long values are cut, with an ellipsis."""

    serial: str
    recipient: str
    course: str
    date: str
    organisation: str
    language: str


class TokenInvalid(Exception):
    """Says that a text is not a token, or that none of the keys signed it."""


class KeyInvalid(ValueError):
    """Says that a text is not an Ed25519 key in base64url, and what to use instead."""


class Signer:
    """Signs claims. `key` is the private key: 32 bytes in base64url. The constructor raises `KeyInvalid`."""

    def __init__(self, key: str) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key = Ed25519PrivateKey.from_private_bytes(_key_bytes(key))

    @property
    def public_key(self) -> str:
        return _encoded(self._key.public_key().public_bytes_raw())

    def token(self, claims: Claims) -> str:
        """Returns a token; the same claims always give the same token."""
        texts = [_cut(getattr(claims, field.name), _MAX_BYTES[field.name]) for field in fields(Claims)]
        body = bytes([VERSION]) + _SEPARATOR.join(texts).encode("utf-8")
        return _encoded(body + self._key.sign(_CONTEXT + body))


class Verifier:
    """Verifies tokens with an issuer's public keys, also those it no longer signs with.

    The constructor raises `KeyInvalid`.
    """

    def __init__(self, public_keys: Iterable[str]) -> None:
        self._keys = [_public_key(key) for key in public_keys]

    def read(self, token: str) -> Claims:
        """Verifies a token and returns its claims. Raises `TokenInvalid`."""
        data = _decoded(token)
        body, signature = data[:-_SIGNATURE_BYTES], data[-_SIGNATURE_BYTES:]
        if not any(_is_signed_by(key, signature, _CONTEXT + body) for key in self._keys):
            raise TokenInvalid
        texts = body[1:].decode("utf-8").split(_SEPARATOR)
        if body[0] != VERSION or len(texts) != len(fields(Claims)):
            raise TokenInvalid  # signed by a newer version of this program
        return Claims(*texts)


def _public_key(text: str) -> "Ed25519PublicKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(_key_bytes(text))


def _is_signed_by(key: "Ed25519PublicKey", signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _decoded(token: str) -> bytes:
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise TokenInvalid
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise TokenInvalid from None
    # A token has only one text, so the unused bits of the last character must be as the encoder writes them.
    if len(data) <= _SIGNATURE_BYTES or _encoded(data) != token:
        raise TokenInvalid
    return data


def _key_bytes(text: str) -> bytes:
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != KEY_BYTES:
        raise KeyInvalid("use 32 bytes in base64url: python -m bureau.services.certificates.issuer.keys makes them")
    return data


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _cut(text: str, max_bytes: int) -> str:
    plain = text.replace(_SEPARATOR, " ")
    if len(plain.encode("utf-8")) <= max_bytes:
        return plain
    return plain.encode("utf-8")[: max_bytes - 3].decode("utf-8", "ignore").rstrip() + "…"
