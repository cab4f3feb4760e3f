"""Provides the storages under test: each test runs on a folder and on a bucket."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bureau.storage import Storage
from tests.support.servers.s3 import CREDENTIALS, S3Server


@pytest.fixture
def s3_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["file", "s3"])
def storage_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The STORAGE_URL of a new empty storage."""
    if request.param == "file":
        return f"file://{tmp_path}/storage"
    request.getfixturevalue("s3_credentials")
    server: S3Server = request.getfixturevalue("s3")
    return server.fresh_bucket()


@pytest.fixture
def storage(storage_url: str) -> Storage:
    return Storage.from_url(storage_url)


@pytest.fixture
def take_away(storage_url: str, tmp_path: Path) -> Callable[[], str]:
    """Makes a storage that is gone: its folder is moved away, or its server does not answer. Returns its URL."""

    def take() -> str:
        if storage_url.startswith("file://"):
            (tmp_path / "storage").rename(tmp_path / "elsewhere")
            return storage_url
        return storage_url.split("?")[0] + "?endpoint=http://127.0.0.1:9"

    return take
