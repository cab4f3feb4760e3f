"""Checks Host and Origin, and sets the security headers for browsers on every answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers

from bureau.services.gateway.problems import problem
from bureau.services.gateway.settings import GatewaySettings, bind_host, is_loopback

API_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
PAGE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": PAGE_POLICY,
    # With `no-referrer`, a browser would send `Origin: null` with the page's own forms (Fetch, "append a request
    # Origin").
    "Referrer-Policy": "same-origin",
}

_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": API_POLICY,
    "Cache-Control": "no-store",
}


def add_headers(headers: Headers, more: Mapping[str, str]) -> None:
    """Sets the security headers that a view has not set itself, and `more` in any case."""
    there = {name.lower() for name, _ in headers}
    headers.extend([(name, value) for name, value in _HEADERS.items() if name.lower() not in there])
    for name, value in more.items():
        if name.lower() in there:
            headers.set(name, value)
        else:
            headers.add(name, value)


@dataclass(frozen=True)
class AllowedHosts:
    """Holds the names by which the gateway is reached."""

    hosts: frozenset[str]
    origins: frozenset[str]

    @classmethod
    def of(cls, settings: GatewaySettings) -> "AllowedHosts":
        public = urlsplit(settings.base_url)
        names = {public.hostname, bind_host(settings.bind), *settings.allowed_hosts.lower().replace(",", " ").split()}
        return cls(frozenset(name for name in names if name), frozenset({f"{public.scheme}://{public.netloc}"}))

    def check_host(self, host: str) -> None:
        """Refuses other host names. A page elsewhere can point its own name at this machine (DNS rebinding)."""
        if not _is_ours(host, self.hosts):
            allowed = ", ".join(sorted({"localhost", *self.hosts}))
            raise problem("host-not-allowed", f"The Host header says {host[:100]}; this gateway answers to {allowed}.")

    def check_origin(self, origin: str | None, host: str) -> None:
        """Refuses changes from other pages. Browsers say which page sends a change, and only the gateway's own may."""
        if origin is None or origin in self.origins or origin in (f"http://{host}", f"https://{host}"):
            return
        raise problem("origin-not-allowed", f"The Origin header says {origin[:100]}, which is not this gateway.")


def check_door(doors: AllowedHosts, method: str, host: str, origin: str | None) -> None:
    """Checks Host and Origin.

    Raises a 403 problem. Host is also checked for reads, because without keys nothing else would protect them.
    """
    doors.check_host(host)
    if method not in ("GET", "HEAD", "OPTIONS"):
        doors.check_origin(origin, host)


@lru_cache(maxsize=256)
def _is_ours(host: str, hosts: frozenset[str]) -> bool:
    name = _host_name(host)
    return name is not None and (is_loopback(name) or name in hosts)


def _host_name(host: str) -> str | None:
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises if it is not a number
    except ValueError:
        return None
    return parts.hostname if parts.netloc == host and "@" not in host else None
