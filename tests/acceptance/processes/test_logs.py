"""What the processes of the stack write: ids in every record while they apply, and no secret, ever."""

import json
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.acceptance.conftest import SECRETS, SMTP_PASSWORD, TELLS_ALL
from tests.support.running.processes import Process
from tests.support.running.stack import Stack
from tests.support.servers.mail_servers import MailServer, Trouble
from tests.support.waiting import until

HEADER = "Bearer planted.header-0123456789"
WRONG_PASSWORD = "planted-and-wrong-0123"
OWN_KEY = "bureau_ab12_" + "P" * 43
REFUSED = ("BROKER_URL", "DATABASE_URL")  # a process that is given a wrong password, for each


@pytest.fixture(scope="module")
def planted(stack: Stack) -> Iterator[Stack]:
    stack.start("tellers")
    yield stack
    stack.kill("tellers", *(name for name in REFUSED if name in stack.processes))


@pytest.fixture(scope="module")
def told(planted: Stack, mail: MailServer) -> dict[str, Any]:
    """A job that told everything, a mail that could not be handed over, requests and processes that were refused."""
    tell = {"name": "tell", "run": "tellers.tell", "input": {"header": HEADER}}
    job = planted.api.succeeded(planted.api.run(tell))
    for token in (HEADER, f"Bearer {OWN_KEY}"):
        planted.api.client.get("/v1/jobs?token=planted-token-0123456789", headers={"Authorization": token})
    for variable in REFUSED:
        wrong = planted.env[variable].replace(password(planted.env[variable]), WRONG_PASSWORD)
        env = {**planted.env, "LOG_LEVEL": "DEBUG", variable: wrong}
        command = [sys.executable, "-m", "bureau.services.scheduler"]
        planted.processes[variable] = Process(command, log=planted.folder / f"{variable}.log", env=env)
    planted.processes["DATABASE_URL"].wait_for_line("database", 60)
    planted.processes["BROKER_URL"].wait_for_line("loop failed", 60)
    mail.greeting = Trouble.DROP
    mail.hang_up()
    try:
        refused = planted.api.submit("/v1/emails", json={"to": ["ada@example.com"], "subject": "Sum", "text": "None."})
        until(lambda: planted.api.job(refused["id"])["tasks"][0]["attempt"] >= 1, 60, "the mail was tried")
        until(lambda: planted.api.job(refused["id"])["tasks"][0]["error"], 60, "it could not be handed over")
    finally:
        mail.greeting = None
    planted.api.succeeded(refused)
    return job


def test_planted_secrets_are_in_no_log(planted: Stack, told: dict[str, Any]) -> None:
    secrets = [*SECRETS.values(), HEADER, SMTP_PASSWORD, "planted%2Fsmtp", WRONG_PASSWORD, OWN_KEY]
    secrets += [password(planted.env["BROKER_URL"]), password(planted.env["DATABASE_URL"]), "planted-token-0123456789"]
    found = {
        (name, secret)
        for name, process in planted.processes.items()
        for secret in secrets
        if secret in process.output() or secret.removeprefix("Bearer ") in process.output()
    }
    assert found == set()


def test_a_tasks_error_shows_no_credentials(planted: Stack, told: dict[str, Any]) -> None:
    text = json.dumps(planted.api.job(told["id"]))
    for variable in ("BROKER_URL", "DATABASE_URL"):
        assert password(planted.env[variable]) not in text
    assert SECRETS["SENDGRID_API_KEY"] not in text


def test_every_record_of_a_task_names_its_job_task_and_claim(planted: Stack, told: dict[str, Any]) -> None:
    said = [
        record
        for record in records(planted.processes["tellers"])
        if record.get("logger") in ("pika.adapters", "library")
    ]
    assert len(said) == 6  # three claims, two records each
    assert {record["job_id"] for record in said} == {told["id"]}
    assert len({record["task_id"] for record in said}) == 1
    assert [record["claim_no"] for record in said] == [1, 1, 2, 2, 3, 3]


def test_dramatiqs_records_of_a_message_name_its_task(planted: Stack, told: dict[str, Any]) -> None:
    written = records(planted.processes["tellers"])
    task_id = next(record["task_id"] for record in written if record.get("job_id") == told["id"])
    theirs = [record for record in written if record["logger"].startswith("dramatiq") and task_id in record["event"]]
    named = [record for record in theirs if record.get("task_id") == task_id and record["run"] == "tellers.tell"]
    assert {record["event"].split()[0] for record in theirs if record not in named} <= {"Pushing", "Received"}


def test_every_record_of_a_request_names_it(planted: Stack, told: dict[str, Any]) -> None:
    answer = planted.api.client.get("/v1/workers")
    said = [
        record
        for record in records(planted.processes["gateway"])
        if record.get("request_id") == answer.headers["Request-Id"]
    ]
    assert [record["path"] for record in said if record["event"] == "request"] == ["/v1/workers"]


def test_a_process_writes_json_from_its_first_line_on(planted: Stack, told: dict[str, Any]) -> None:
    ours = {name: process for name, process in planted.processes.items() if name != "issuer"}  # it is not a Bureau
    plain = {name: [line for line in lines(process) if line[:1] != "{"] for name, process in ours.items()}
    assert {name: said for name, said in plain.items() if said} == {}


def test_a_process_says_what_it_works_with_when_it_starts(planted: Stack, told: dict[str, Any]) -> None:
    (started,) = [one for one in records(planted.processes["tellers"]) if one["event"] == "started"]
    assert (started["process"], started["tasks"]) == ("tellers", ["tellers.tell"])
    for variable in ("DATABASE_URL", "BROKER_URL"):
        url = urlsplit(planted.env[variable])
        name = variable.replace("DATABASE_URL", "ledger").replace("BROKER_URL", "broker")
        assert started[name].endswith(f"://{url.hostname}:{url.port}{url.path}")
    for name in set(TELLS_ALL) - {"tellers"}:
        assert [one["process"] for one in records(planted.processes[name]) if one["event"] == "started"] == [name]


def lines(process: Process) -> list[str]:
    return process.output().splitlines()


def records(process: Process) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(process)]


def password(url: str) -> str:
    found = urlsplit(url).password
    assert found
    return found
