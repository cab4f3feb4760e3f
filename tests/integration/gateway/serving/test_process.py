"""The gateway as its own process, under gunicorn, with its broker away."""

import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.running.processes import Process
from tests.support.servers.ports import free_port
from tests.support.waiting import until

COMMAND = [
    sys.executable,
    "-m",
    "gunicorn",
    "-c",
    "python:bureau.services.gateway.gunicorn_conf",
    "bureau.services.gateway.wsgi:app",
]
MAIL = {"to": ["ada@example.com"], "subject": "Hello", "text": "It works."}
LARGE_BYTES = 200_000_000


def environment(folder: Path, **more: str) -> dict[str, str]:
    return {
        "DATABASE_URL": f"sqlite:///{folder}/ledger.db",
        "STORAGE_URL": f"file://{folder}/storage",
        "BROKER_URL": f"amqp://bureau:hunter2@127.0.0.1:{free_port()}/",
        "LOG_FORMAT": "text",
        **more,
    }


class Gateway:
    """One process for test after test, started again where a test has stopped it."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(base_url=self.url, timeout=60)
        self._env = environment(folder, BIND=f"127.0.0.1:{port}")
        self._log = folder / "log"
        self.started: list[Process] = []

    @property
    def process(self) -> Process:
        if not self.started or not self.started[-1].running:
            self.started.append(Process(COMMAND, log=self._log, env=self._env))
            self.started[-1].wait_for_http(f"{self.url}/healthz")
        return self.started[-1]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    made = Gateway(tmp_path_factory.mktemp("gateway"))
    yield made
    made.client.close()
    for process in made.started:
        process.kill()


@pytest.fixture
def gateway(running: Gateway) -> tuple[Process, httpx.Client]:
    return running.process, running.client


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"BIND": "0.0.0.0:8600"}, "BIND: without keys the gateway listens on loopback only"),
        ({"BIND": "nonsense", "MAX_FILES": "51"}, "MAX_FILES: "),
        ({"BROKER_URL": "memory://"}, "BROKER_URL: memory:// works within one process only"),
    ],
)
def test_invalid_settings_are_reported_in_a_sentence(tmp_path: Path, env: dict[str, str], words: str) -> None:
    with Process(COMMAND, log=tmp_path / "log", env=environment(tmp_path, **env)) as process:
        until(lambda: not process.running, 30, lambda: f"the end of {process}")
        assert process.returncode == 2
        assert words in process.output()
        assert "Traceback" not in process.output()


def test_the_command_line_cannot_open_it_to_others(tmp_path: Path) -> None:
    bound = [*COMMAND, "--bind", f"0.0.0.0:{free_port()}"]
    with Process(bound, log=tmp_path / "log", env=environment(tmp_path)) as process:
        until(lambda: not process.running, 30, lambda: f"the end of {process}")
        assert "loopback" in process.output()


def test_it_listens_on_a_socket_file(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with Process(COMMAND, log=tmp_path / "log", env=environment(tmp_path, BIND=f"unix:{path}")) as process:
        client = httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://localhost")

        def alive() -> bool:
            return client.get("/healthz").status_code == 200

        until(alive, 30, lambda: f"an answer of {process}", ignoring=httpx.HTTPError)
        client.close()


def test_with_the_broker_away_it_accepts_and_says_so(gateway: tuple[Process, httpx.Client]) -> None:
    process, client = gateway

    def status() -> str:
        found: str = client.get("/readyz").json()["status"]
        return found

    until(lambda: status() == "degraded", 20, "degraded")
    answer = client.post("/v1/emails", json=MAIL)
    assert answer.status_code == 202
    assert answer.json()["waiting"]["reason"] == "no_worker"
    assert "hunter2" not in process.output() + client.get("/readyz").text


def test_a_body_of_200_megabytes_is_refused_before_it_is_read(gateway: tuple[Process, httpx.Client]) -> None:
    _, client = gateway

    def chunks() -> Iterator[bytes]:
        yield b'--cut\r\nContent-Disposition: form-data; name="files"; filename="a.csv"\r\n\r\n'
        for _ in range(LARGE_BYTES // 1_000_000):
            yield b"x" * 1_000_000

    known = {"Content-Type": "multipart/form-data; boundary=cut", "Content-Length": str(LARGE_BYTES + 73)}
    unknown = {"Content-Type": "multipart/form-data; boundary=cut"}
    for headers in (known, unknown):
        answer = client.post("/v1/certificates", content=chunks(), headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
        assert "MAX_BODY_BYTES allows 100000000" in answer.json()["detail"]
    assert client.post("/v1/emails", json=MAIL).status_code == 202  # what is right still goes through


def test_a_request_that_is_not_http_harms_nobody(gateway: tuple[Process, httpx.Client]) -> None:
    _, client = gateway
    port = httpx.URL(str(client.base_url)).port
    for noise in (b"\x00" * 100 + b"\r\n\r\n", b"GET / HTTP/1.1\r\nHost: " + b"x" * 100_000 + b"\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", port or 0), timeout=10) as connection:
            connection.sendall(noise)
    assert client.get("/healthz").status_code == 200


def test_a_stop_answers_who_waits_and_leaves_no_child(gateway: tuple[Process, httpx.Client]) -> None:
    process, client = gateway
    answers: list[httpx.Response] = []

    def post() -> None:
        answers.append(client.post("/v1/emails", json={**MAIL, "tags": ["waits"]}, headers={"Prefer": "wait=30"}))

    waiting = threading.Thread(target=post)
    waiting.start()
    with httpx.Client(base_url=client.base_url) as other:
        until(lambda: other.get("/v1/jobs?tag=waits").json()["items"], 20, "the job in the list")
    assert process.stop(seconds=15) == 0
    waiting.join(15)
    assert [answer.status_code for answer in answers] == [202]
    assert "Traceback" not in process.output()
