"""Reads the Authorization header: a key as a bearer token, or as the password of basic authentication (browsers)."""

import binascii
from base64 import b64decode
from dataclasses import dataclass

from bureau.services.gateway.api_keys import api_key
from bureau.services.gateway.api_keys.api_key import ApiKey


@dataclass(frozen=True)
class Malformed:
    """Means that the credentials are not a key."""


def presented(header: str | None) -> ApiKey | Malformed | None:
    """Returns the credentials in the header; None if there are none."""
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
    """Returns the password. The user name before it is ignored."""
    try:
        return b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
