"""The Procfile, with what hosting platforms set: PORT, and a DATABASE_URL that begins with postgres://."""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api import Api
from tests.support.ports import free_port
from tests.support.processes import ROOT, Process
from tests.support.waiting import until

BIN = Path(sys.executable).parent
PROCESSES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())


@pytest.fixture
def api(tmp_path: Path, rabbitmq_url: str, postgres_url: str) -> Iterator[Api]:
    """A client of what the Procfile names, all of it running."""
    port = free_port()
    env = {
        "PORT": str(port),
        "DATABASE_URL": postgres_url.replace("postgresql+psycopg://", "postgres://"),
        "BROKER_URL": rabbitmq_url,
        "STORAGE_URL": f"file://{tmp_path}/storage",
        "MAIL_URL": f"file://{tmp_path}/outbox",
        "PATH": f"{BIN}:/usr/bin:/bin",
    }
    make_key = ["python", "-m", "bureau.services.gateway.keys", "make", "--owner", "shop", "--role", "operate"]
    with Process([BIN / make_key[0], *make_key[1:]], log=tmp_path / "key.log", env=env) as making:
        assert making.wait(60) == 0, making.output()
        key = making.output().split()[-1]
    running = []
    try:
        for name, command in PROCESSES.items():
            running.append(Process(shlex.split(command), log=tmp_path / f"{name}.log", env=env))
        client = Api(f"http://127.0.0.1:{port}")
        client.client.headers["Authorization"] = f"Bearer {key}"
        running[0].wait_for_http(f"{client.url}/readyz", 60)
        until(lambda: services(client) >= {"certificates", "reports", "mailer"}, 60, "the workers announce themselves")
        yield client
        client.client.close()
    finally:
        for process in running:
            process.kill()


def services(api: Api) -> set[str]:
    return {worker["service"] for worker in api.get("/v1/workers")["items"] if worker["live"]}


def test_what_the_procfile_names_does_a_job(api: Api) -> None:
    assert set(PROCESSES) == {"web", "scheduler", "certificates", "reports", "mailer"}
    roster = ("welding.csv", "recipient,course\nAda Lovelace,Welding\n", "text/csv")
    job = api.submit("/v1/certificates", files=[("files", roster)], data={"email_to": "dean@example.com"})
    assert api.succeeded(job)["counts"] == {"succeeded": 2}
