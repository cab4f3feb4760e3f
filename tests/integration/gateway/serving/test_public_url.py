"""The gateway under gunicorn with a path in PUBLIC_URL, behind a proxy that strips the path and one that does not."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bureau.services.gateway.api_keys import api_key
from tests.integration.gateway.serving.test_process import COMMAND, MAIL, environment
from tests.support.running.processes import Process
from tests.support.servers.ports import free_port
from tests.support.servers.proxies.path_proxy import PathProxy, path_proxy
from tests.support.walk import BROWSER, walk

ROOT = "/paperwork"
KEY = api_key.make().text()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Its port."""
    folder: Path = tmp_path_factory.mktemp("published")
    (folder / "keys").write_text(f"ada operate {KEY}\n")
    port = free_port()
    env = environment(
        folder,
        BIND=f"127.0.0.1:{port}",
        PUBLIC_URL=f"http://127.0.0.1:{port}{ROOT}",
        KEYS_FILE=str(folder / "keys"),
        RECIPIENT_DOMAINS="",
    )
    with Process(COMMAND, log=folder / "log", env=env) as process:
        process.wait_for_http(f"http://127.0.0.1:{port}/healthz")
        yield port


@pytest.fixture(params=[True, False], ids=["stripped", "not stripped"])
def proxy(request: pytest.FixtureRequest, gateway: int) -> Iterator[PathProxy]:
    with path_proxy(ROOT, strips=request.param) as proxy:
        proxy.upstream = ("127.0.0.1", gateway)
        yield proxy


def test_every_address_leads_back_through_the_proxy(proxy: PathProxy) -> None:
    with httpx.Client(headers={"Authorization": f"Bearer {KEY}"}, timeout=60) as client:
        accepted = client.post(f"{proxy.url}/v1/emails", json=MAIL)
        assert accepted.headers["Location"] == f"{ROOT}/v1/jobs/{accepted.json()['id']}"
        assert client.get(httpx.URL(proxy.url).join(accepted.headers["Location"])).status_code == 200
        assert client.get(f"{proxy.url}/v1/jobs/none").json()["type"] == f"{ROOT}/problems/not-found"
    with httpx.Client(timeout=60, headers=BROWSER) as browser:
        answer = browser.post(f"{proxy.url}/login", data={"key": KEY, "next": f"{ROOT}/jobs"})
        assert answer.headers["Location"] == f"{ROOT}/jobs"
        found = walk(browser, f"{proxy.url}/")
    assert set(found.seen.values()) <= {200, 204, 303, 503}, found.seen  # 503: /readyz, the broker is away
    assert f"{proxy.url}/jobs/{accepted.json()['id']}" in found.seen
    assert not found.outside
    assert proxy.strays == []
