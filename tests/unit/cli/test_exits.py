"""Tests exit codes and the error messages beside them."""

import json
from collections.abc import Iterator
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from bureau.cli import session
from bureau.cli.main import cli
from bureau.client import Patience
from tests.support.servers.http_servers import Behaviour, http_server, replies

KEY = "bureau_abc_verysecret"
NOT_OF_THE_API = ("run", "worker", "announce", "keys", "completion")
EMPTY = replies(200, b'{"items": [], "next_cursor": null}')
READY = replies(200, b'{"status": "ready", "checks": {"ledger": {"status": "ok", "detail": null}}}')


def problem(status: int, slug: str) -> Behaviour:
    body = {"type": f"/problems/{slug}", "title": "Refused", "status": status, "detail": "So it is.", "errors": []}
    return replies(status, json.dumps(body).encode(), "application/problem+json", Request_Id="r-1")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "PATIENCE", Patience(0.0))
    monkeypatch.setattr(session, "LONG_PATIENCE", Patience(0.0))


def ran(*arguments: str, url: str) -> Result:
    done = CliRunner(env={"BUREAU_URL": url, "BUREAU_KEY": KEY}).invoke(cli, arguments, prog_name="bureau")
    assert KEY not in done.output
    assert "Traceback" not in done.output
    return done


@pytest.mark.parametrize(
    ("behaviour", "status", "words"),
    [
        (EMPTY, 0, "No jobs yet"),
        (problem(401, "key-missing"), 4, "Set BUREAU_KEY"),
        (problem(401, "key-invalid"), 4, "So it is"),
        (problem(403, "role-too-low"), 4, "So it is"),
        (problem(404, "not-found"), 2, "So it is"),
        (problem(422, "invalid"), 2, "So it is"),
        (problem(429, "too-many-requests"), 3, "So it is"),
        (problem(503, "ledger-unavailable"), 3, "So it is"),
        (problem(500, "internal-error"), 3, "The request id is r-1."),
        (replies(200, b"<html>", "text/html"), 3, "is not Bureau"),
    ],
)
def test_each_answer_has_its_exit_code(behaviour: Behaviour, status: int, words: str) -> None:
    with http_server(behaviour) as server:
        done = ran("jobs", url=server.url)
        as_json = ran("jobs", "--json", url=server.url)
    assert (done.exit_code, as_json.exit_code) == (status, status)
    assert words in done.stderr
    assert done.stdout == ""
    json.loads(as_json.stderr if status else as_json.stdout)


def test_an_unreachable_gateway_is_exit_code_3() -> None:
    done = ran("status", url="http://127.0.0.1:1")
    assert done.exit_code == 3
    assert "Cannot reach Bureau at http://127.0.0.1:1" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["nothing"], ["jobs", "--state", "odd"], ["retry"], ["jobs", "--since", "soon"], ["submit", "task", "a.b", "c"]],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    with http_server(EMPTY) as server:
        assert ran(*arguments, url=server.url).exit_code == 2


def test_an_invalid_address_is_wrong_usage() -> None:
    done = ran("jobs", url="nonsense")
    assert (done.exit_code, done.stderr) == (
        2,
        "Error: BUREAU_URL: nonsense is not an address: write http://host:port or https://host\n",
    )


def test_a_key_that_may_not_see_queues_sees_the_health_checks() -> None:
    with http_server(READY, problem(403, "role-too-low")) as server:
        done = ran("status", url=server.url)
    assert done.exit_code == 4
    assert done.stdout == "  database ok\n"
    assert "operate" in done.stderr


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


@pytest.mark.parametrize(
    "command",
    [pytest.param(one, id=" ".join(path)) for path, one in commands(cli) if path[0] not in NOT_OF_THE_API],
)
def test_every_command_gives_json(command: Any) -> None:
    assert "--json" in [name for parameter in command.params for name in parameter.opts]


def test_status_shows_the_other_checks_while_the_ledger_is_down() -> None:
    checks = {"ledger": {"status": "failing", "detail": "It hangs."}, "broker": {"status": "ok", "detail": None}}
    readiness = {"status": "not_ready", "checks": checks, "broker_kind": "amqp", "storage_used_percent": None}
    with http_server(replies(503, json.dumps(readiness).encode())) as server:
        done = ran("status", url=server.url)
        as_json = ran("status", "--json", url=server.url)
        assert {request.path for request in server.requests} == {"/readyz"}
    assert (done.exit_code, as_json.exit_code) == (3, 3)
    assert done.stdout == "! database failing: It hangs.\n  RabbitMQ ok\n"
    assert json.loads(as_json.stdout) == {"ready": readiness}
