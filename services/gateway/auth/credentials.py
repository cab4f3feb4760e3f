"""The Authorization header: a key as a bearer token, or as the password of basic authentication (browsers)."""

import binascii
from base64 import b64decode
from dataclasses import dataclass

from bureau.services.gateway.api_keys import api_key
from bureau.services.gateway.api_keys.api_key import ApiKey


@dataclass(frozen=True)
class Malformed:
    """Something was shown that is no key."""


def presented(header: str | None) -> ApiKey | Malformed | None:
    """What the header shows; None where it shows nothing."""
    scheme, _, value = (header or "").strip().partition(" ")
    match scheme.lower():
        case "":
            return None
        case "bearer":
            return api_key.parse(value.strip()) or Malformed()
        case "basic":
            return api_key.parse(_password(value.strip())) or Malformed()
        case _:
            return Malformed()


def _password(encoded: str) -> str:
    """The user's name before it may be anything."""
    try:
        return b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
