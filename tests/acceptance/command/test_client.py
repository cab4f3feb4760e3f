"""The Python client on a running Bureau."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bureau.client import Bureau, Event, JobFailed, Patience, Problem
from tests.acceptance.command.conftest import ENDS_SECONDS
from tests.support.running.embedded import EmbeddedBureau
from tests.support.running.processes import ROOT


def test_the_snippet_of_the_readme_runs(
    plain: EmbeddedBureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (snippet,) = re.findall(r"```python\n(from bureau.client.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    monkeypatch.setenv("BUREAU_URL", plain.api.url)
    monkeypatch.chdir(tmp_path)
    exec(snippet, {})  # noqa: S102 - our own
    assert capsys.readouterr().out.splitlines()[-1] == "customers.csv"
    assert len((tmp_path / "customers.csv").read_text().splitlines()) == 11


@pytest.mark.parametrize("way", ["json", "files"])
def test_an_answer_that_is_lost_makes_no_second_job(
    client: Bureau, way: str, roster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway has done what it was asked for; the connection breaks before the client learns of it."""
    asked: list[str] = []
    send = httpx.Client.send

    def lose(self: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        answer = send(self, request, **options)
        if request.method == "POST":
            asked.append(request.headers["Idempotency-Key"])
            if len(asked) <= 2:
                raise httpx.ReadError("the connection was lost")
        return answer

    monkeypatch.setattr(httpx.Client, "send", lose)
    tags = [f"lost-{way}"]
    job = client.task("shop.suma", a=2, b=2, tags=tags) if way == "json" else client.certificates(roster, tags=tags)
    assert len(asked) == 3
    assert len(set(asked)) == 1
    assert [found.id for found in client.jobs(tag=tags[0])] == [job.id]
    job.wait(ENDS_SECONDS)


def test_a_batch_is_all_or_none(client: Bureau) -> None:
    tasks = [{"name": "add", "run": "shop.suma", "input": {"a": 2, "b": 2}}]
    jobs = client.batch([{"title": f"Sum {n}", "tasks": tasks} for n in range(3)])
    assert [job.wait(ENDS_SECONDS).result() for job in jobs] == [4, 4, 4]
    with pytest.raises(Problem) as caught:
        client.batch([{"tasks": tasks}, {"tasks": [{"name": "x", "run": "no.such"}]}])
    assert caught.value.errors[0].where == "#/jobs/1/tasks/0/run"


def test_a_stored_file_goes_along_with_a_mail(client: Bureau, plain: EmbeddedBureau) -> None:
    stored = client.upload(("figures.csv", b"a,b\n1,2\n"))
    mail = client.email("ada@example.com", "The figures", "Attached.", artifacts=[stored], cc=["grace@example.com"])
    mail.wait(ENDS_SECONDS)
    sent = [path.read_text() for path in plain.outbox.glob("*.eml")]
    assert len([text for text in sent if "The figures" in text and "figures.csv" in text]) == 1
    assert stored.read() == b"a,b\n1,2\n"


def test_a_link_shows_the_job_to_whoever_has_it_until_it_is_deleted(client: Bureau) -> None:
    job = client.task("shop.initials", names=["Ada Lovelace"]).wait(ENDS_SECONDS)
    path = httpx.URL(job.link()).raw_path.decode()
    assert httpx.get(f"{client.url}{path}").json()["id"] == job.id
    job.delete()
    with pytest.raises(Problem) as caught:
        client.get(job.id)
    assert caught.value.status == 404


def test_a_job_is_cancelled_and_run_again(client: Bureau) -> None:
    job = client.task("shop.suma", a=2, b=2, delay_seconds=3600)
    with pytest.raises(JobFailed, match="was cancelled"):
        job.cancel().wait(ENDS_SECONDS)
    with pytest.raises(Problem, match="has not ended"):
        client.task("shop.suma", a=2, b=2, delay_seconds=3600).retry()
    assert client.cancel(state="scheduled", dry_run=True).count == 1
    assert client.cancel(state="scheduled", expect=1).changed == 1


def test_a_schedule_is_made_changed_run_and_deleted(client: Bureau) -> None:
    job = {"tasks": [{"name": "add", "run": "shop.suma", "input": {"a": 2, "b": 2}}]}
    made = client.put_schedule("of the client".replace(" ", "-"), job, cron="0 7 * * 1", time_zone="Europe/Paris")
    assert len(made["next_runs"]) == 5
    assert client.change_schedule(made["name"], enabled=False)["enabled"] is False
    assert client.run_schedule(made["name"]).wait(ENDS_SECONDS).result() == 4
    client.delete_schedule(made["name"])
    assert made["name"] not in [schedule["name"] for schedule in client.schedules()]


def test_the_catalog_is_what_services_announced(client: Bureau) -> None:
    assert "shop.suma" in [task["name"] for task in client.catalog()]
    assert "welcome" in [template["name"] for template in client.templates()]
    assert client.readiness()["status"] == "ready"
    assert {worker["service"] for worker in client.workers() if worker["live"]} >= {"shop", "mailer"}


def test_a_story_is_told_once_and_in_order_through_a_restart(plain: EmbeddedBureau) -> None:
    """The gateway goes down while a job is followed, and with it the worker; both come back."""
    told: list[Event] = []
    slept = threading.Event()

    def listen(events: Iterator[Event]) -> None:
        for event in events:
            told.append(event)
            if event.type == "task.logged":
                slept.set()

    with Bureau(plain.api.url, patience=Patience(seconds=60, base_seconds=0.2, cap_seconds=1)) as client:
        job = client.task("naps.polite", seconds=600)
        listener = threading.Thread(target=listen, args=[job.follow()], daemon=True)
        listener.start()
        assert slept.wait(ENDS_SECONDS)
        slept.clear()
        plain.process.stop()
        plain.start()
        assert slept.wait(ENDS_SECONDS)
        job.cancel()
        listener.join(ENDS_SECONDS)
    assert [event.id for event in told] == list(range(1, len(told) + 1))
    assert told[-1].type == "job.finished"
    assert told[-1].data["state"] == "cancelled"
