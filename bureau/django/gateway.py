"""Holds one client for each gateway and key, shared by all threads: Django makes a backend for each thread."""

from functools import cache

from bureau.client import Bureau, Patience


@cache
def client_of(url: str | None, key: str | None, seconds: float) -> Bureau:
    """Returns the client of a gateway, which retries a request for `seconds` at most."""
    return Bureau(url, key, patience=Patience(seconds=seconds))
