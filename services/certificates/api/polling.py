"""Decides where and how often to ask an API that answers 202, because it makes the archive later. Pure."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urljoin, urlsplit

from bureau.contracts.errors import PermanentError
from bureau.services.certificates.api.answers import retry_after, shown

FIRST_SECONDS, LONGEST_SECONDS = 1.0, 15.0
_PORTS = {"http": 80, "https": 443}


def location(api_url: str, given: str | None) -> str:
    """Returns the absolute address of a Location header. Raises `PermanentError`.

    It must be on the API's own server: an answer cannot send the worker, with the API's password, to another machine.
    """
    if not given:
        raise PermanentError(
            "certificates_api_location", "The certificates API answered 202 without a Location to ask for the archive."
        )
    try:
        address = urljoin(_without_password(api_url), given.strip())
        same = _origin(address) == _origin(api_url) and "@" not in urlsplit(address).netloc
    except ValueError:
        same = False
    if not same:
        raise PermanentError(
            "certificates_api_location",
            f"The certificates API answered 202 with the Location “{shown(given)[:200]}”, which is not on the "
            "server of CERTIFICATES_API; Bureau sends requests only there.",
        )
    return address


def pause_seconds(headers: Mapping[str, str], asked: int, now: datetime) -> float:
    """Returns the seconds until the next request: what Retry-After says, up to a minute; else longer each time."""
    named = retry_after(headers.get("retry-after"), now)
    if named is not None:
        return min(max(named, 0.2), 60.0)
    return min(FIRST_SECONDS * 1.5**asked, LONGEST_SECONDS)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
