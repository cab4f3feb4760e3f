"""What the processes of a stack write: ids in every record while they apply, and no secret, ever."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.ports import free_port
from tests.support.postgres import drop_database, fresh_database
from tests.support.processes import Process
from tests.support.stack import BIN, Stack
from tests.support.waiting import until

SENDGRID_KEY = "SG.planted-by-a-test.0123456789abcdef"
HEADER = "Bearer planted.header-0123456789"
SMTP_PASSWORD = "planted/smtp pass"
WRONG_PASSWORD = "planted-and-wrong-0123"
LINK_SECRET = "planted-link-secret-0123456789-abcdef"
OWN_KEY = "bureau_ab12_" + "P" * 43


@pytest.fixture(scope="module")
def planted(
    tmp_path_factory: pytest.TempPathFactory, module_rabbitmq_url: str, logs_database_url: str
) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("planted")
    env = {
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "DEBUG",
        "SENDGRID_API_KEY": SENDGRID_KEY,
        "LINK_SECRET": LINK_SECRET,
        "MAIL_URL": f"smtp://bureau:planted%2Fsmtp%20pass@127.0.0.1:{free_port()}",
    }
    with Stack(folder, broker_url=module_rabbitmq_url, database_url=logs_database_url, env=env) as stack:
        stack.start("gateway", "scheduler", "mailer")
        command: list[str | Path] = [
            BIN / "dramatiq",
            "bureau.worker",
            "tests.acceptance.tellers",
            "--processes",
            "1",
            "--skip-logging",
        ]
        stack.processes["tellers"] = Process(command, log=folder / "tellers.log", env=stack.env)
        stack.processes["tellers"].wait_for_line("ready for action", 60)
        yield stack


@pytest.fixture(scope="module")
def told(planted: Stack) -> dict[str, Any]:
    """A job that told everything, a mail that could not be handed over, requests and processes that were refused."""
    mail = {"to": ["ada@example.com"], "subject": "Sum", "text": "See the job."}
    refused = planted.api.run({"name": "mail", "run": "mailer.send", "input": mail})
    tell = {"name": "tell", "run": "tellers.tell", "input": {"header": HEADER}}
    until(lambda: "tellers" in served(planted), 60, "the tellers announced themselves")
    job = planted.api.succeeded(planted.api.run(tell))
    for token in (HEADER, f"Bearer {OWN_KEY}"):
        planted.api.client.get("/v1/jobs?token=planted-token-0123456789", headers={"Authorization": token})
    for variable in ("BROKER_URL", "DATABASE_URL"):
        wrong = planted.env[variable].replace(password(planted.env[variable]), WRONG_PASSWORD)
        env = {**planted.env, variable: wrong}
        process = Process(
            [sys.executable, "-m", "bureau.services.scheduler"], log=planted.folder / f"{variable}.log", env=env
        )
        planted.processes[variable] = process
        process.wait_for_line("database" if variable == "DATABASE_URL" else "loop failed", 60)
    until(lambda: planted.api.job(refused["id"])["tasks"][0]["attempt"] >= 1, 60, "the mail was tried")
    planted.processes["mailer"].wait_for_line('"event": "mail"', 60)
    return job


def test_planted_secrets_are_in_no_log(planted: Stack, told: dict[str, Any]) -> None:
    secrets = [SENDGRID_KEY, HEADER, SMTP_PASSWORD, "planted%2Fsmtp", WRONG_PASSWORD, LINK_SECRET, OWN_KEY]
    secrets += [password(planted.env["BROKER_URL"]), password(planted.env["DATABASE_URL"]), "planted-token-0123456789"]
    found = {
        (name, secret)
        for name, process in planted.processes.items()
        for secret in secrets
        if secret in process.output() or secret.removeprefix("Bearer ") in process.output()
    }
    assert found == set()


def test_what_a_task_says_of_its_failure_holds_no_credentials(planted: Stack, told: dict[str, Any]) -> None:
    text = json.dumps(planted.api.job(told["id"]))
    for variable in ("BROKER_URL", "DATABASE_URL"):
        assert password(planted.env[variable]) not in text
    assert SENDGRID_KEY not in text


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
    plain = {name: [line for line in lines(process) if line[:1] != "{"] for name, process in planted.processes.items()}
    assert {name: said for name, said in plain.items() if said} == {}


def test_a_process_says_what_it_works_with_when_it_starts(planted: Stack, told: dict[str, Any]) -> None:
    (started,) = [one for one in records(planted.processes["tellers"]) if one["event"] == "started"]
    assert (started["process"], started["tasks"]) == ("tellers", ["tellers.tell"])
    for variable in ("DATABASE_URL", "BROKER_URL"):
        url = urlsplit(planted.env[variable])
        name = variable.replace("DATABASE_URL", "ledger").replace("BROKER_URL", "broker")
        assert started[name].endswith(f"://{url.hostname}:{url.port}{url.path}")
    for name in ("gateway", "scheduler", "mailer"):
        assert [one["process"] for one in records(planted.processes[name]) if one["event"] == "started"] == [name]


def lines(process: Process) -> list[str]:
    return process.output().splitlines()


def records(process: Process) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(process)]


def served(stack: Stack) -> set[str]:
    return {worker["service"] for worker in stack.api.get("/v1/workers")["items"] if worker["live"]}


def password(url: str) -> str:
    found = urlsplit(url).password
    assert found
    return found


@pytest.fixture(scope="module")
def logs_database_url(postgres_server: str) -> Iterator[str]:
    url = fresh_database(postgres_server)
    yield url
    drop_database(postgres_server, url)
