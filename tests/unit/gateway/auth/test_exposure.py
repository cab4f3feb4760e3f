"""Without keys the gateway listens on loopback only."""

from pathlib import Path

import pytest

from bureau.ledger.access import keys
from bureau.ledger.access.audit import Act
from bureau.ledger.access.keys import NewKey, Role
from bureau.ledger.db.database import Database
from bureau.services.gateway.api_keys import api_key
from bureau.services.gateway.auth.exposure import refuse_without_keys
from bureau.services.gateway.settings import GatewaySettings
from bureau.settings import SettingsError
from tests.support.ledger.ledgers import sqlite_ledger
from tests.support.servers.ports import free_port

OPEN = ["0.0.0.0", "", "::", "192.168.1.5", "bureau.example.com"]  # noqa: S104 - what is refused


@pytest.mark.parametrize("host", OPEN)
def test_other_addresses_are_refused_and_it_says_why(tmp_path: Path, host: str) -> None:
    db = Database(f"sqlite:///{tmp_path}/new.db")  # without tables yet
    with pytest.raises(SettingsError, match=r"BIND: without keys .* loopback only.*bureau.services.gateway.keys make"):
        refuse_without_keys(GatewaySettings(), db, ["127.0.0.1", host])
    db.close()


@pytest.mark.parametrize("host", OPEN)
def test_with_a_key_in_the_ledger_it_listens_anywhere(tmp_path: Path, host: str) -> None:
    db = sqlite_ledger(tmp_path)
    keys.add(db, NewKey("abcd", "shop", Role.VIEW, "0" * 64), Act("key.make", "shop", "command"))
    refuse_without_keys(GatewaySettings(), db, [host])
    db.close()


def test_with_a_key_in_a_file_the_ledger_is_not_asked(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"shop view {api_key.make().text()}")
    db = Database(f"sqlite:///{tmp_path}/nowhere/never.db")
    refuse_without_keys(GatewaySettings(keys_file=file), db, OPEN)
    assert not (tmp_path / "nowhere").exists()


def test_loopback_and_sockets_need_no_key_and_no_ledger(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/nowhere/never.db")
    refuse_without_keys(GatewaySettings(), db, ["127.0.0.1", "::1", "localhost"])
    refuse_without_keys(GatewaySettings(), db, [])
    assert not (tmp_path / "nowhere").exists()


def test_with_the_ledger_away_it_starts_and_asks_at_every_request() -> None:
    db = Database(f"postgresql+psycopg://bureau:x@127.0.0.1:{free_port()}/ledger")
    refuse_without_keys(GatewaySettings(), db, OPEN)
    db.close()
