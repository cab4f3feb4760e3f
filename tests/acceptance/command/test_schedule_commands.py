"""Tests `bureau schedules put`, `show` and `delete` on a running Bureau."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.command.conftest import Shell

MORNINGS = ["--cron", "0 7 * * MON-FRI", "--time-zone", "Asia/Tokyo"]


def kept(shell: Shell, name: str) -> dict[str, Any]:
    schedule: dict[str, Any] = json.loads(shell("schedules", "show", name, "--json"))
    return schedule


def test_a_report_is_scheduled_shown_run_and_deleted(shell: Shell) -> None:
    given = ["-p", "limit=3", "--email-to", "cfo@example.com", "--tag", "daily", "--max-attempts", "2"]
    told = shell("schedules", "put", "report", "of-the-command", "top-customers", *given, *MORNINGS)
    first, second = told.splitlines()
    assert first == "of-the-command: report top-customers to cfo@example.com, 0 7 * * MON-FRI Asia/Tokyo"
    assert re.fullmatch(r"of-the-command is on; next \w{3} \d\d \w{3} \d{4} 07:00 JST\.", second)
    assert kept(shell, "of-the-command")["report"] == {
        "report": "top-customers",
        "params": {"limit": 3},
        "email_to": ["cfo@example.com"],
        "tags": ["daily"],
        "retry": {"max_attempts": 2},
    }
    job = shell("schedules", "run", "of-the-command").strip()
    assert shell("follow", job).splitlines()[-1].strip().startswith("top-customers-3.csv")
    lines = shell("schedules", "show", "of-the-command", "-n", "2").splitlines()
    assert lines[1] == "0 7 * * MON-FRI Asia/Tokyo"
    assert [line.endswith(" 07:00 JST") for line in lines] == [False, False, True, True, False]
    assert re.fullmatch(rf"last job {job}, \d\d:\d\d UTC: succeeded", lines[-1])
    assert shell("schedules", "delete", "of-the-command") == "of-the-command is deleted.\n"
    shell("schedules", "show", "of-the-command", status=2)


def test_a_mail_and_certificates_store_their_files_first(shell: Shell, roster: Path) -> None:
    mail = ["--to", "ada@example.com", "--subject", "Hello", "--text", "-", "--attach", str(roster)]
    shell("schedules", "put", "email", "hello", *mail, "--every", "90s", stdin="It works.\n")
    shown = kept(shell, "hello")
    assert (shown["every_seconds"], shown["email"]["text"]) == (90, "It works.\n")
    told = shell("schedules", "put", "certificates", "weekly", str(roster), "--cron", "@weekly", "--disabled")
    assert told == "weekly: certificates from 1 roster, @weekly UTC\nweekly is off.\n"
    for request, field in ((shown["email"], "attachments"), (kept(shell, "weekly")["certificates"], "files")):
        (stored,) = request[field]
        assert re.fullmatch(r"[0-9a-f-]{36}", stored["artifact"])
    shell("schedules", "delete", "hello")
    shell("schedules", "delete", "weekly")


def test_a_task_and_a_job_are_scheduled(shell: Shell, tmp_path: Path) -> None:
    shell("schedules", "put", "task", "add", "shop.suma", "a=2", "b=2", "--every", "1h")
    task = {"name": "suma", "run": "shop.suma", "input": {"a": 2, "b": 2}}
    assert kept(shell, "add")["job"] == {"tasks": [task]}
    (tmp_path / "job.json").write_text(json.dumps({"tasks": [task, {**task, "name": "again", "after": ["suma"]}]}))
    told = shell("schedules", "put", "job", "add", str(tmp_path / "job.json"), "--every", "1h", "--title", "Twice")
    assert told.startswith("add: job of 2 tasks, every 1 h\n")
    assert kept(shell, "add")["job"]["title"] == "Twice"
    shell("schedules", "delete", "add")


@pytest.mark.parametrize("times", [[], ["--cron", "@daily", "--every", "1h"]])
def test_one_of_cron_and_every_is_needed(shell: Shell, times: list[str]) -> None:
    done = shell.run("schedules", "put", "report", "x", "top-customers", *times)
    assert (done.exit_code, "give --cron or --every, one of the two" in done.stderr) == (2, True)


def test_all_that_is_wrong_is_told_by_its_place(shell: Shell) -> None:
    wrong = ["--cron", "61 * * * *", "--time-zone", "Europe/Pari", "-p", "limit=0", "--email-to", "nobody"]
    done = shell.run("schedules", "put", "report", "x", "top-customers", *wrong)
    assert done.exit_code == 2
    assert "#/report/email_to/0: Not an e-mail address" in done.stderr
    wrong[-1] = "ada@example.com"
    done = shell.run("schedules", "put", "report", "x", "top-customers", *wrong)
    places = re.findall(r"^  (#\S+):", done.stderr, re.MULTILINE)
    assert sorted(places) == ["#/cron", "#/report/params/limit", "#/time_zone"]
