"""A gateway that asks for keys, and clients that have some."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from bureau.ledger.access import keys
from bureau.ledger.access.audit import Act
from bureau.ledger.access.keys import NewKey, Role
from bureau.ledger.db.tables import audit
from bureau.services.gateway.api_keys import api_key
from bureau.services.gateway.api_keys.api_key import ApiKey
from bureau.services.gateway.settings import GatewaySettings
from tests.integration.gateway.conftest import CATALOGS, Door, make_door


@dataclass
class Keyed:
    """`ask` sends a request with the key of an owner and role, which is made when it is first needed."""

    door: Door
    made: dict[tuple[str, Role], ApiKey] = field(default_factory=dict)

    def key(self, owner: str = "ada", role: Role = Role.OPERATE, expires_in_seconds: float | None = None) -> ApiKey:
        """A new one."""
        key = api_key.make()
        new = NewKey(key.id, owner, role, key.sha256, expires_in_seconds=expires_in_seconds)
        keys.add(self.door.db, new, Act("key.make", owner, "command"))
        return key

    def ask(
        self, method: str, path: str, owner: str = "ada", role: Role = Role.OPERATE, **request: Any
    ) -> httpx.Response:
        if (owner, role) not in self.made:
            self.made[owner, role] = self.key(owner, role)
        return self.with_key(self.made[owner, role], method, path, **request)

    def with_key(self, key: ApiKey, method: str, path: str, **request: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key.text()}", **request.pop("headers", {})}
        return self.door.client.request(method, path, headers=headers, **request)

    def mail(self, owner: str = "ada", **request: Any) -> httpx.Response:
        """A submission."""
        body = {"to": ["ada@example.com"], "subject": "Hello", "text": "It works."}
        return self.ask("POST", "/v1/emails", owner, Role.SUBMIT, json=body, **request)

    def job(self, owner: str = "ada") -> str:
        answer = self.mail(owner)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def file(self, owner: str = "ada", contents: bytes = b"roster") -> dict[str, Any]:
        answer = self.ask("POST", "/v1/files", owner, Role.SUBMIT, files={"file": ("a b.csv", contents)})
        assert answer.status_code == 201, answer.text
        stored: dict[str, Any] = answer.json()
        return stored

    def audited(self, *columns: str) -> list[tuple[Any, ...]]:
        """What was done since the keys were made."""
        query = select(*(audit.c[name] for name in columns)).where(audit.c.act != "key.make").order_by(audit.c.id)
        with self.door.db.read() as connection:
            return [tuple(row) for row in connection.execute(query)]


@contextmanager
def keyed_gateway(folder: Path, settings: GatewaySettings | None = None) -> Iterator[Keyed]:
    """With a live worker of every service."""
    door = make_door(folder, settings)
    for service in CATALOGS:
        door.announce(service)
    try:
        yield Keyed(door)
    finally:
        door.client.close()
        door.db.close()
