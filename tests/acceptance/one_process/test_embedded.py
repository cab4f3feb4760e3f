"""Everything in one process without servers: it starts, shows itself, says what is in its way, and stops at once."""

import email
import email.policy
import io
import re
import signal
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bureau.ledger.db.database import Database
from bureau.services.scheduler import __main__ as scheduler
from tests.support.ledger.book import Book
from tests.support.running.api import Api
from tests.support.running.embedded import EmbeddedBureau
from tests.support.running.sse import Listener
from tests.support.servers.ports import listens
from tests.support.waiting import until

STOPS_SECONDS = 15.0  # it takes less than five where it has the machine for itself; these tests share theirs
OWN_TASKS = "examples.suma.tasks tests.acceptance.one_process.naps"
ADD = {"name": "add", "run": "shop.suma", "input": {"a": 2, "b": 2}}
NAP = {"name": "nap", "run": "naps.polite", "input": {"seconds": 600}}
DEAF_NAP = {"name": "deaf", "run": "naps.deaf", "input": {"seconds": 600}}
ROSTER = "recipient,course\n" + "".join(f"Person {n},Patience\n" for n in range(250))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBureau]:
    with EmbeddedBureau(tmp_path_factory.mktemp("embedded"), env={"TASKS": OWN_TASKS}) as bureau:
        yield bureau


@pytest.fixture
def bureau(folder: EmbeddedBureau) -> EmbeddedBureau:
    """A running one, the same for all tests: started again where a test has stopped it."""
    if not folder.running:
        folder.start()
    return folder


def test_the_doctor_examines_it(
    bureau: EmbeddedBureau, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Its broker is inside the process, so its messages are not counted, and nothing is wrong with that."""
    monkeypatch.chdir(bureau.folder)
    for name in ("DATABASE_URL", "BROKER_URL"):
        monkeypatch.delenv(name, raising=False)
    said = until(lambda: well(capsys), 60)
    assert re.search(r"^shop +due 0 .*hinted 0, workers 1, running 0", said, re.MULTILINE)
    assert "RabbitMQ" not in said
    monkeypatch.chdir(tmp_path)
    assert scheduler.main(["doctor"]) == 1
    assert "There is no ledger in" in capsys.readouterr().out


def well(capsys: pytest.CaptureFixture[str]) -> str:
    """What the doctor prints, once it finds nothing wrong; before, nothing."""
    status, said = scheduler.main(["doctor"]), capsys.readouterr().out
    return said if status == 0 and "All is well." in said else ""


def test_own_tasks_run_beside_those_it_ships_with(bureau: EmbeddedBureau) -> None:
    api = bureau.api
    assert api.succeeded(api.run(ADD))["tasks"][0]["result"] == 4
    report = {"report": "top-customers", "params": {"limit": 3}, "email_to": ["cfo@example.com"]}
    reported = api.succeeded(api.submit("/v1/reports", json=report))
    content = api.file(reported)
    assert content.count(b"\n") == 4
    (sent,) = (task["result"] for task in reported["tasks"] if task["run"] == "mailer.send")
    mail = bureau.outbox / f"{sent['message_id'].strip('<>')}.eml"
    assert attachments(mail) == [content]
    services = {worker["service"] for worker in api.get("/v1/workers")["items"]}
    assert services == {"certificates", "reports", "mailer", "shop", "naps"}


def test_a_second_one_says_where_the_first_is(bureau: EmbeddedBureau) -> None:
    second = bureau.launch("bureau.services.embedded")
    assert second.wait() == 1
    assert second.output().strip() == f"Bureau is running already: {bureau.api.url}"
    assert bureau.running


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        with EmbeddedBureau(tmp_path / "bureau", env={"BIND": bind}) as bureau:
            process = bureau.launch("bureau.services.embedded")
            assert process.wait() == 2
            (line,) = [line for line in process.output().splitlines() if "BIND" in line]
            assert f"{bind} cannot be used" in line
            assert "Address already in use" in line
            assert "Traceback" not in process.output()


def test_a_deaf_task_that_is_cancelled_takes_nobody_with_it(bureau: EmbeddedBureau) -> None:
    api = bureau.api
    unresponsive_task = api.run({**DEAF_NAP, "input": {"seconds": 7}})
    until_running(api, unresponsive_task)
    assert api.client.post(f"/v1/jobs/{unresponsive_task['id']}/cancel").status_code == 200
    assert api.ended(unresponsive_task)["state"] in ("cancelled", "succeeded")  # or it was done before it heard
    api.succeeded(api.run(ADD))


def test_ctrl_c_ends_it_in_five_seconds_and_what_ran_goes_on_at_the_next_start(bureau: EmbeddedBureau) -> None:
    api = bureau.api
    nap = api.run(NAP)
    certificates = api.submit("/v1/certificates", files={"files": ("many.csv", ROSTER)})
    report = api.submit("/v1/reports", json={"report": "customers", "email_to": ["cfo@example.com"]})
    until_running(api, nap)

    assert stopped_in_time(bureau) == 0
    assert not listens(bureau.port)

    bureau.start()
    assert len(api.succeeded(certificates)["artifacts"]) == 1
    api.succeeded(report)
    until_running(api, nap)
    api.client.post(f"/v1/jobs/{nap['id']}/cancel").raise_for_status()
    assert api.ended(nap)["state"] == "cancelled"


def test_it_tells_the_story_of_a_task_as_it_goes(bureau: EmbeddedBureau) -> None:
    with Listener(bureau.port, "/v1/events") as mine:
        job = bureau.api.succeeded(bureau.api.run(ADD))
        with Listener(bureau.port, f"/v1/jobs/{job['id']}/events") as stream:
            stream.wait_for_end()
            assert stream.types == ["task.started", "task.logged", "task.succeeded", "job.finished"]
        mine.wait_for(4)
        assert [event for event in mine.events if event in stream.events] == stream.events
    database = Database(f"sqlite:///{bureau.folder}/var/bureau.db")
    assert Book(database).job(UUID(job["id"])).event_seq == 4
    database.close()


def test_a_request_that_waits_is_answered_and_a_stream_ends_when_it_stops(bureau: EmbeddedBureau) -> None:
    job = bureau.api.run({**ADD}, delay_seconds=3600)
    with (
        Listener(bureau.port, "/v1/events") as mine,
        socket.create_connection(("127.0.0.1", bureau.port), timeout=20) as connection,
    ):
        head = [f"GET /v1/jobs/{job['id']} HTTP/1.1", f"Host: {bureau.bind}", "Prefer: wait=30", "Connection: close"]
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        assert stopped_in_time(bureau) == 0
        assert b" 200 OK" in connection.makefile("rb").readline()
        mine.wait_for_end(5)


def test_ctrl_c_waits_for_no_task_that_is_deaf(bureau: EmbeddedBureau) -> None:
    until_running(bureau.api, bureau.api.run(DEAF_NAP))
    stopped_in_time(bureau)


@pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.long)])
def test_the_demo_shows_its_results_each_time(tmp_path: Path, times: int) -> None:
    with EmbeddedBureau(tmp_path / "demo") as bureau:
        for _ in range(times):
            demo = bureau.launch("bureau.services.demo")
            assert demo.wait(120) == 0, demo
            said = demo.output()
            shown = {name: bureau.folder / after(said, name) for name in ("certificates", "report", "its mail")}
            with zipfile.ZipFile(shown["certificates"]) as archive:
                assert sum(name.endswith(".pdf") for name in archive.namelist()) == 8
            content = shown["report"].read_bytes()
            assert content.count(b"\n") > 200_000
            (zipped,) = attachments(shown["its mail"])  # over 5 MB
            with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
                assert [archive.read(name) for name in archive.namelist()] == [content]
            assert f"The page of your jobs: {bureau.api.url}/" in said
            assert len([line for line in said.partition("Try next")[2].splitlines() if line.startswith("  ")]) == 3
            assert "Traceback" not in said
        assert len(list(bureau.outbox.glob("*.eml"))) == times


def until_running(api: Api, job: dict[str, Any]) -> None:
    until(lambda: api.job(job["id"])["tasks"][0]["state"] == "running", 20, "it runs")


def stopped_in_time(bureau: EmbeddedBureau) -> int:
    """The status it left with after Ctrl-C: soon, without a traceback, and nothing of it stays."""
    status = bureau.process.stop(STOPS_SECONDS, signal.SIGINT)
    assert "Traceback" not in bureau.process.output()
    return status


def attachments(mail: Path) -> list[Any]:
    parsed = email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)
    return [part.get_payload(decode=True) for part in parsed.iter_attachments()]


def after(said: str, name: str) -> str:
    """What a line of the results says of `name`."""
    (value,) = re.findall(rf"^  {name} +(\S+)$", said, re.MULTILINE)
    return str(value)
