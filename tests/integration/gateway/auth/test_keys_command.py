"""`python -m bureau.services.gateway.keys`, and a gateway under gunicorn that asks for its keys."""

import io
import os
import re
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest

from bureau.ledger.db.database import Database
from bureau.services.gateway import keys
from bureau.services.gateway.api_keys import api_key
from tests.integration.gateway.serving.test_process import COMMAND, environment
from tests.support.running.processes import Process
from tests.support.servers.ports import free_port
from tests.support.waiting import until

MAIL = {"to": ["ada@example.com"], "subject": "Hello", "text": "It works."}


def run(folder: Path, *arguments: str, status: int = 0, **env: str) -> tuple[str, str]:
    """What the command said on stdout and stderr."""
    stdout, stderr = io.StringIO(), io.StringIO()
    given = {"PATH": "/usr/bin:/bin", **environment(folder), **env}
    with patch.dict(os.environ, given, clear=True), redirect_stdout(stdout), redirect_stderr(stderr):
        try:
            done = keys.main(list(arguments))
        except SystemExit as leaving:  # argparse's, and that of wrong settings
            done = int(leaving.code or 0)
    assert done == status, stderr.getvalue()
    return stdout.getvalue(), stderr.getvalue()


def made(folder: Path, owner: str = "shop", role: str = "submit", *more: str) -> str:
    """A key made by the command, as a script would read it."""
    stdout, _ = run(folder, "make", "--owner", owner, "--role", role, *more)
    return stdout.removesuffix("\n")


def test_a_key_is_shown_once_and_its_secret_is_kept_nowhere(tmp_path: Path) -> None:
    text = made(tmp_path, "shop", "submit", "--label", "the till", "--expires-in-days", "30")
    key = api_key.parse(text)
    assert key is not None
    listed, _ = run(tmp_path, "list")
    header, line = listed.splitlines()
    assert header.split()[:4] == ["ID", "OWNER", "ROLE", "STATE"]
    assert re.match(rf"{key.id} +shop +submit +valid +20\S+ \S+ +20\S+ \S+ +never +the till$", line)
    Database(f"sqlite:///{tmp_path}/ledger.db").close()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.db*"))
    assert key.id.encode() in kept
    assert key.secret.encode() not in kept


def test_a_key_is_revoked_by_its_id(tmp_path: Path) -> None:
    key = api_key.parse(made(tmp_path))
    assert key is not None
    assert "is revoked and no longer accepted" in run(tmp_path, "revoke", key.id)[0]
    assert "had been revoked before" in run(tmp_path, "revoke", key.id)[0]
    assert " revoked " in run(tmp_path, "list")[0]
    assert "Key nothing not found" in run(tmp_path, "revoke", "nothing", status=1)[1]


def test_without_keys_the_list_says_how_to_make_one(tmp_path: Path) -> None:
    assert "There are no keys" in run(tmp_path, "list")[0]


def test_a_line_for_a_file_touches_no_ledger(tmp_path: Path) -> None:
    line, _ = run(tmp_path, "make", "--owner", "shop", "--role", "view", "--for-file")
    owner, role, text = line.split()
    assert (owner, role) == ("shop", "view")
    assert api_key.parse(text)
    assert list(tmp_path.iterdir()) == []


def test_keys_of_the_file_are_listed_and_are_revoked_there(tmp_path: Path) -> None:
    line, _ = run(tmp_path, "make", "--owner", "till", "--role", "view", "--for-file")
    kept, text = api_key.parse(made(tmp_path)), line.split()[2]
    in_file = api_key.parse(text)
    assert kept is not None
    assert in_file is not None
    file = tmp_path / "keys"
    file.write_text(line)
    listed, _ = run(tmp_path, "list", KEYS_FILE=str(file))
    assert re.search(rf"^{kept.id} +shop +submit +valid ", listed, re.MULTILINE)
    assert re.search(rf"^{in_file.id} +till +view +in a file +- +- +- +KEYS_FILE {file}$", listed, re.MULTILINE)
    assert in_file.secret not in listed
    told = run(tmp_path, "revoke", in_file.id, status=1, KEYS_FILE=str(file))[1]
    assert told.startswith(f"The key {in_file.id} of till is in KEYS_FILE, {file}; remove its line there.")


def test_a_file_of_keys_that_is_wrong_keeps_nobody_from_revoking(tmp_path: Path) -> None:
    key = api_key.parse(made(tmp_path))
    assert key is not None
    file = tmp_path / "keys"
    file.write_text("shop submit nonsense\n")
    stdout, stderr = run(tmp_path, "revoke", key.id, KEYS_FILE=str(file))
    assert "is revoked and no longer accepted" in stdout
    assert "line 1" in stderr
    assert "nonsense" not in stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required: command"),
        (["make"], "--owner, --role"),
        (["make", "--owner", "a b", "--role", "view"], "an owner has letters"),
        (["make", "--owner", "shop", "--role", "king"], "invalid choice: 'king'"),
        (["make", "--owner", "shop", "--role", "view", "--expires-in-days", "-1"], "more than 0 days"),
        (["make", "--owner", "shop", "--role", "view", "--expires-in-days", "soon"], "invalid"),
    ],
)
def test_a_wrong_command_is_told_what_is_wrong(tmp_path: Path, arguments: list[str], words: str) -> None:
    assert words in run(tmp_path, *arguments, status=2)[1]


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def test_with_keys_the_gateway_listens_everywhere_and_asks_for_them(tmp_path: Path) -> None:
    port = free_port()
    submit, view = made(tmp_path), made(tmp_path, role="view")
    in_file, wrong = api_key.make(), api_key.make()
    file = tmp_path / "keys"
    file.write_text(f"ops operate {in_file.text()}\n")
    env = environment(tmp_path, BIND=f"0.0.0.0:{port}", KEYS_FILE=str(file), WEB_CONCURRENCY="2", LOG_LEVEL="DEBUG")
    url = f"http://127.0.0.1:{port}"
    with Process(COMMAND, log=tmp_path / "log", env=env) as process, httpx.Client(base_url=url, timeout=30) as client:
        process.wait_for_http(f"{url}/healthz")
        assert client.get("/v1/jobs").status_code == 401
        assert client.get("/v1/jobs", headers=bearer(wrong.text())).status_code == 401
        assert client.get("/v1/jobs", headers=bearer(view)).status_code == 200
        assert client.get("/", auth=("me", view)).status_code == 200
        assert client.post("/v1/emails", json=MAIL, headers=bearer(view)).status_code == 403
        assert client.post("/v1/emails", json=MAIL, headers=bearer(submit)).status_code == 202
        assert client.get("/v1/workers", headers=bearer(in_file.text())).status_code == 200
        shared = client.post(f"/v1/jobs/{job_of(client, submit)}/links", json={}, headers=bearer(submit)).json()["url"]
        token = shared.partition("token=")[2]
        assert client.get(shared).status_code == 200
        revoked = api_key.parse(view)
        assert revoked is not None
        run(tmp_path, "revoke", revoked.id)
        answers = {client.get("/v1/jobs", headers=bearer(view)).status_code for _ in range(8)}
        assert answers == {401}  # whichever of its processes answers
        said = process.output()
    assert "POST" in said
    for secret in (submit, view, in_file.text(), wrong.text(), token):
        assert secret[-30:] not in said  # the end is secret, and may have an underscore


def job_of(client: httpx.Client, key: str) -> str:
    return str(client.get("/v1/jobs", headers=bearer(key)).json()["items"][0]["id"])


def test_the_rate_limit_holds_over_all_processes_of_a_gateway(tmp_path: Path) -> None:
    port = free_port()
    key = made(tmp_path)
    env = environment(tmp_path, BIND=f"127.0.0.1:{port}", WEB_CONCURRENCY="3", RATE_LIMIT_PER_MINUTE="20")
    url = f"http://127.0.0.1:{port}"
    with Process(COMMAND, log=tmp_path / "log", env=env) as process:
        process.wait_for_http(f"{url}/healthz")
        # A connection each, so that every process gets some.
        statuses = [httpx.get(f"{url}/v1/jobs", headers=bearer(key)).status_code for _ in range(26)]
    passed = statuses.count(200)
    assert 20 <= passed <= 23  # one more every three seconds
    assert statuses.count(429) == 26 - passed


@pytest.mark.parametrize("revoked", [False, True])
def test_a_key_made_before_lets_the_gateway_listen_elsewhere(tmp_path: Path, revoked: bool) -> None:
    key = api_key.parse(made(tmp_path))
    assert key is not None
    if revoked:  # then it answers nobody: a mistake does not open the door
        run(tmp_path, "revoke", key.id)
    port = free_port()
    with Process(COMMAND, log=tmp_path / "log", env=environment(tmp_path, BIND=f"0.0.0.0:{port}")) as process:
        process.wait_for_http(f"http://127.0.0.1:{port}/healthz")
        answer = httpx.get(f"http://127.0.0.1:{port}/v1/jobs", headers=bearer(key.text()))
        assert answer.status_code == (401 if revoked else 200)


def test_a_wrong_file_of_keys_stops_the_start_in_a_sentence(tmp_path: Path) -> None:
    file, key = tmp_path / "keys", api_key.make()
    file.write_text(f"shop king {key.text()}\n")
    with Process(COMMAND, log=tmp_path / "log", env=environment(tmp_path, KEYS_FILE=str(file))) as process:
        until(lambda: not process.running, 30, lambda: f"the end of {process}")
        assert process.returncode == 2
        assert "KEYS_FILE: line 1: the role is one of view, submit, operate" in process.output()
        assert key.secret not in process.output()
