"""The issuer, and what it answers."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient

from bureau.services.certificates.issuer.app import create_app
from bureau.services.certificates.issuer.settings import IssuerSettings


@dataclass(frozen=True)
class Answer:
    """What the issuer answered: an archive by member, or an error."""

    status: int
    body: bytes

    @property
    def members(self) -> dict[str, bytes]:
        with zipfile.ZipFile(io.BytesIO(self.body)) as archive:
            return {info.filename: archive.read(info) for info in archive.infolist()}

    @property
    def pdfs(self) -> dict[str, bytes]:
        return {name: data for name, data in self.members.items() if name.endswith(".pdf")}

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = json.loads(self.body)["error"]
        return error


Issue = Callable[..., Answer]


@pytest.fixture
def make_client() -> Callable[..., FlaskClient]:
    """A client of an issuer with the given settings."""
    return lambda **settings: create_app(IssuerSettings(**settings), None).test_client()


@pytest.fixture(scope="session")
def default_client() -> FlaskClient:
    return create_app(IssuerSettings(issuer_organisation="Bureau Academy"), None).test_client()


@pytest.fixture
def issue(default_client: FlaskClient) -> Issue:
    """Posts rosters (name=text pairs) to an issuer; `key` is the Idempotency-Key, `client` another issuer's."""

    def post(*rosters: tuple[str, str | bytes], key: str = "key", client: FlaskClient = default_client) -> Answer:
        files = [(io.BytesIO(data.encode() if isinstance(data, str) else data), name) for name, data in rosters]
        with client.post("/", data={"files": files}, headers={"Idempotency-Key": key}) as response:
            return Answer(response.status_code, response.data)

    return post
