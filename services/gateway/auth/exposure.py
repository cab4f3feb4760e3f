"""Refuses to listen on more than loopback while there are no keys. The check runs before a socket is opened."""

from collections.abc import Iterable

from bureau.ledger.access import keys
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.migrate import migrate
from bureau.services.gateway.settings import GatewaySettings, is_loopback
from bureau.settings import SettingsError


def refuse_without_keys(settings: GatewaySettings, db: Database, hosts: Iterable[str]) -> None:
    """Raises `SettingsError` if one of `hosts` is reachable from other machines and there is no key.

    If the ledger is unavailable, the process may start: each request is checked again, and other machines are answered
    only if they send a key.
    """
    reachable = [host for host in hosts if not is_loopback(host)]
    if not reachable or settings.keys_file:
        return
    try:
        migrate(db)
        if keys.there_are_any(db):
            return
    except LedgerUnavailable:
        return
    raise SettingsError([f"BIND: {sentence(reachable[0])}"])


def sentence(host: str) -> str:
    return (
        f"without keys the gateway listens on loopback only, and {host or 'an empty host'} is reachable from "
        "elsewhere; use 127.0.0.1:8600, or make a key first: python -m bureau.services.gateway.keys make --owner NAME "
        "--role operate, or name a file of keys in KEYS_FILE"
    )
