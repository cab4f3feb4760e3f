"""What a certificate's link says: a few claims, signed with Ed25519 (RFC 8032), checked without asking anybody.

A token is base64url, without padding, of: one byte of version, the claims as UTF-8 between unit separators (0x1F), and
the 64 bytes of the signature over the context and all before it. Tokens are read for decades: a version stays readable.

The cryptography package is imported where it is used: it takes 8 MB, and few processes ever sign or check.
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

_CONTEXT = b"bureau.certificate\0"  # a signature made for anything else is none here
_SIGNATURE_BYTES = 64
_SEPARATOR = "\x1f"
# In bytes of UTF-8: a QR code of more would have dots too fine for a phone.
_LONGEST = {"serial": 40, "recipient": 120, "course": 160, "date": 40, "organisation": 80, "language": 2}


@dataclass(frozen=True)
class Claims:
    """Who was certified what, when, by whom, under which serial. Long ones are cut, with an ellipsis."""

    serial: str
    recipient: str
    course: str
    date: str
    organisation: str
    language: str


class TokenInvalid(Exception):
    """It is not a token, or none of the keys signed it."""


class KeyInvalid(ValueError):
    """Not an Ed25519 key in base64url: the text is the rule."""


class Signer:
    """`key` is the private key: 32 bytes in base64url. Raises `KeyInvalid`."""

    def __init__(self, key: str) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key = Ed25519PrivateKey.from_private_bytes(_key_bytes(key))

    @property
    def public_key(self) -> str:
        return _encoded(self._key.public_key().public_bytes_raw())

    def token(self, claims: Claims) -> str:
        """The same for the same claims."""
        texts = [_cut(getattr(claims, field.name), _LONGEST[field.name]) for field in fields(Claims)]
        body = bytes([VERSION]) + _SEPARATOR.join(texts).encode("utf-8")
        return _encoded(body + self._key.sign(_CONTEXT + body))


class Verifier:
    """Knows the public keys of an issuer, also those it no longer signs with. Raises `KeyInvalid`."""

    def __init__(self, public_keys: Iterable[str]) -> None:
        self._keys = [_public_key(key) for key in public_keys]

    def read(self, token: str) -> Claims:
        """Raises `TokenInvalid`."""
        data = _decoded(token)
        body, signature = data[:-_SIGNATURE_BYTES], data[-_SIGNATURE_BYTES:]
        if not any(_signed(key, signature, _CONTEXT + body) for key in self._keys):
            raise TokenInvalid
        texts = body[1:].decode("utf-8").split(_SEPARATOR)
        if body[0] != VERSION or len(texts) != len(fields(Claims)):
            raise TokenInvalid  # signed by a newer version of this program
        return Claims(*texts)


def _public_key(text: str) -> "Ed25519PublicKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(_key_bytes(text))


def _signed(key: "Ed25519PublicKey", signature: bytes, message: bytes) -> bool:
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
    # One token, one text: bits that padding leaves over must be as they are written.
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


def _cut(text: str, longest: int) -> str:
    plain = text.replace(_SEPARATOR, " ")
    if len(plain.encode("utf-8")) <= longest:
        return plain
    return plain.encode("utf-8")[: longest - 3].decode("utf-8", "ignore").rstrip() + "…"
