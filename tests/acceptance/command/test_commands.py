"""Tests the command `bureau` on a running Bureau."""

import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from bureau.client import Bureau
from tests.acceptance.command.conftest import ENDS_SECONDS, Shell
from tests.support.running.embedded import EmbeddedBureau
from tests.support.running.processes import ROOT

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
LONG = "A title as long as titles get when people write whole sentences into them, 漢字 too " * 2


def test_a_task_is_submitted_followed_and_shown(shell: Shell) -> None:
    job = shell("submit", "task", "shop.suma", "a=2", "b=2", "--title", "Two and two").strip()
    assert re.fullmatch(UUID, job)
    told = [line.split("  ", 1)[1] for line in shell("follow", job).splitlines()]
    assert told == ["suma: started", "suma: adding 2 and 2", "suma: succeeded", "The job succeeded"]
    shown = shell("job", job)
    assert shown.startswith(f"Two and two  succeeded\n{job}\njob, submitted ")
    assert re.search(r"waited \S+ s, ran \S+ s\n", shown)
    assert shell("job", job[-8:]) == shown  # any part that only this job has
    assert "  = 4\n" in shown


def test_a_job_that_fails_is_exit_code_1_and_says_why(shell: Shell) -> None:
    told = shell("submit", "task", "shop.flaky", "fails=9", "--max-attempts", "1", "--follow", status=1)
    assert told.splitlines()[-1].endswith("The job failed: out_of_luck: Attempt 1 had no luck.")


def test_a_report_takes_typed_parameters_and_its_file_is_fetched(shell: Shell, tmp_path: Path) -> None:
    given = ["-p", "limit=3", "-p", "statuses=paid", "-p", "statuses=open", "--format", "delimiter=;"]
    events = shell("submit", "report", "top-customers", *given, "--follow", "--json")
    job = json.loads(events.splitlines()[0])["job"]
    said = shell("download", job, "-o", str(tmp_path))
    (saved,) = tmp_path.iterdir()
    assert said == f"{saved}  {saved.stat().st_size} bytes\n"
    assert [line.count(";") for line in saved.read_text().splitlines()] == [4] * 4
    shell("download", job, "missing.csv", status=2)


def test_certificates_come_as_a_zip(shell: Shell, roster: Path, tmp_path: Path) -> None:
    job = json.loads(shell("submit", "certificates", str(roster), "--json"))["id"]
    shell("follow", job)
    (saved,) = json.loads(shell("download", job, "-o", str(tmp_path / "mine.zip"), "--json"))
    assert any(name.endswith(".pdf") for name in zipfile.ZipFile(saved["path"]).namelist())


def test_a_mail_with_an_idempotency_key_is_sent_once(shell: Shell, plain: EmbeddedBureau, roster: Path) -> None:
    mail = ["--to", "Ada <ada@example.com>", "--subject", "The roster", "--text", "-", "--attach", str(roster)]
    asked = ["submit", "email", *mail, "--idempotency-key", "roster-ada"]
    first, again = (shell(*asked, stdin="Hello Ada.\n").strip() for _ in range(2))
    assert first == again
    shell("follow", first)
    sent = [path.read_text() for path in plain.outbox.glob("*.eml")]
    assert len([text for text in sent if "Subject: The roster" in text and "roster.csv" in text]) == 1


def test_many_people_get_a_mail_each(shell: Shell, plain: EmbeddedBureau) -> None:
    people = "ada@example.com\n\nGrace <grace@example.com>\n"
    mail = ["--subject", "To each", "--text", "Hello.", "--header", "X-Ticket: 4711"]
    shell("submit", "email", *mail, "--recipients", "-", "--follow", stdin=people)
    sent = [path.read_text() for path in plain.outbox.glob("*.eml")]
    each = sorted(text.splitlines()[0] for text in sent if "Subject: To each" in text and "X-Ticket: 4711" in text)
    assert each == ["X-Envelope-To: ada@example.com", "X-Envelope-To: grace@example.com"]
    blind = json.loads(shell("submit", "email", "--bcc", "eve@example.com", "--subject", "a", "--text", "a", "--json"))
    assert blind["tasks"][0]["input"]["bcc"] == ["eve@example.com"]
    shell("submit", "email", "--recipients", "[", *mail, status=2)
    shell("submit", "email", "--to", "a@example.com", *mail, "--header", "no colon", status=2)
    assert "#/to" in shell.run("submit", "email", *mail).stderr


def test_a_graph_is_submitted_from_its_file(shell: Shell) -> None:
    told = shell("submit", "job", str(ROOT / "examples/suma/jobs/chord.json"), "--follow")
    assert told.splitlines()[-1].endswith("The job succeeded")
    shell("submit", "job", "-", stdin="[1]", status=2)
    shell("submit", "job", "-", stdin="{", status=2)


def test_a_refusal_lists_every_error(shell: Shell) -> None:
    done = shell.run("submit", "task", "shop.suma", "a=x", "c=1")
    assert done.exit_code == 2
    assert '#/tasks/0/input/a: "x" is not of type "integer"' in done.stderr
    assert len(done.stderr.splitlines()) == 4
    told = json.loads(shell.run("submit", "task", "shop.suma", "a=x", "--json").stderr)
    assert (told["status"], told["type"], len(told["errors"])) == (422, "invalid", 2)


def test_many_jobs_are_retried_when_expect_names_their_count(shell: Shell, client: Bureau) -> None:
    jobs = [client.task("shop.flaky", fails=9, retry={"max_attempts": 1}, tags=["bulk"]) for _ in range(3)]
    for job in jobs:
        job.wait(ENDS_SECONDS, check=False)
    which = ["retry", "--state", "failed", "--tag", "bulk", "--since", "1h"]
    counted = "3 jobs: 3 out_of_luck.   Confirm: --expect 3\n"
    assert shell(*which, "--dry-run") == counted
    assert shell(*which, status=2) == counted
    assert shell(*which, "--error", "out_of_luck", "--dry-run") == counted
    assert shell(*which, "--error", "out_of_stock", "--dry-run") == "No job matches.\n"
    shell(*which, "--expect", "4", status=2)
    assert shell(*which, "--expect", "3") == "3 jobs run again.\n"
    listed = shell("jobs", "--tag", "bulk")
    assert listed.count("shop.flaky") == 3
    for job in jobs:
        job.refresh().wait(ENDS_SECONDS, check=False)
    assert shell("jobs", "--tag", "bulk").count("out_of_luck: Attempt 1 had no luck.") == 3
    shell("retry", jobs[0].id)
    jobs[0].refresh().wait(ENDS_SECONDS, check=False)
    shell("retry", jobs[0].id, "--state", "failed", status=2)
    shell("retry", status=2)


def test_a_queue_is_paused_purged_by_its_count_and_resumed(shell: Shell, client: Bureau) -> None:
    assert shell("pause", "naps").startswith("naps is paused: 0 waiting")
    jobs = [client.task("naps.polite", seconds=1) for _ in range(2)]
    assert "2 waiting" in next(line for line in shell("status").splitlines() if line.startswith("! naps"))
    nap = {"name": "nap", "run": "naps.polite", "input": {"seconds": 1}}
    jobs.append(client.job([nap, {**nap, "name": "more", "after": ["nap"]}]))
    jobs.append(client.task("naps.polite", seconds=1, delay_seconds=3600))
    assert shell("pause", "naps") == "naps is paused: 3 waiting, 1 later, 1 blocked, 0 running.\n"
    (row,) = [line.split() for line in shell("queues").splitlines() if line.startswith("naps ")]
    assert (row[1], row[4:7]) == ("3", ["1", "1", "0"])
    told = shell("purge", "naps", status=2)
    assert told == "4 tasks have not started: 3 waiting, 1 later.   Confirm: --expect 4\n"
    assert shell("purge", "naps", "--expect", "4") == "4 tasks cancelled.\n"
    assert shell("purge", "naps") == "No task waits to be started.\n"
    assert shell("resume", "naps").startswith("naps is resumed")
    assert [job.wait(ENDS_SECONDS, check=False).state for job in jobs] == ["cancelled"] * 4


def test_a_running_job_is_listed_and_cancelled(shell: Shell, client: Bureau) -> None:
    job = client.task("naps.polite", seconds=600)
    next(event for event in job.follow() if event.type == "task.started")
    assert job.id in shell("tasks", "--state", "running")
    assert shell("cancel", job.id) == f"{job.id} is cancelled or stopping: naps.polite\n"
    assert shell("follow", job.id, status=1).splitlines()[-1].endswith("cancelled: Cancelled.") or job.refresh()


def test_status_shows_a_healthy_bureau(shell: Shell) -> None:
    lines = shell("status").splitlines()
    assert [line for line in lines if re.fullmatch(r"  shop +0 waiting, +1 worker", line)], lines
    assert re.fullmatch(r"  database ok · (storage \d+ % · )?in-process broker ok", lines[-1]), (
        lines
    )  # a line of its own if full
    assert set(json.loads(shell("status", "--json"))) == {"ready", "queues", "workers", "failed_last_hour"}


def test_schedules_are_listed_and_run_now(shell: Shell) -> None:
    head, *lines = shell("schedules").splitlines()
    assert head.split() == ["SCHEDULE", "WHEN", "NEXT", "LAST"]
    (line,) = [line for line in lines if line.startswith("nightly-clean-up")]
    assert line.split()[1:7] == ["30", "2", "*", "*", "*", "Europe/Paris"]
    shell("follow", shell("schedules", "run", "nightly-clean-up").strip())
    (line,) = [line for line in shell("schedules").splitlines() if line.startswith("nightly-clean-up")]
    assert "succeeded" in line
    shell("schedules", "disable", "nightly-clean-up", status=2)  # schedules from a file cannot be changed


def test_reports_show_their_parameters(shell: Shell) -> None:
    assert "top-customers  Top customers" in shell("reports")
    assert "limit          integer  100       How many customers." in shell("reports", "top-customers")
    shell("reports", "nothing", status=2)


LISTS = ["status", "jobs", "tasks --state succeeded", "queues", "workers", "reports", "reports customers"]
LISTS += ["schedules", "schedules show daily-report"]


@pytest.mark.parametrize("command", LISTS)
def test_lists_fit_80_columns_and_are_json_on_demand(shell: Shell, client: Bureau, command: str) -> None:
    client.task("shop.flaky", fails=9, retry={"max_attempts": 1}, title=LONG[:190]).wait(ENDS_SECONDS, check=False)
    shown = shell(*command.split())
    assert shown
    assert [line for line in shown.splitlines() if len(line) > 80] == []
    json.loads(shell(*command.split(), "--json"))


NESTED = [["submit", "email"], ["submit", "report"], ["schedules", "put"], ["schedules", "put", "email"]]


def test_help_fits_80_columns(shell: Shell) -> None:
    commands = re.findall(r"^  ([a-z]+)  ", shell("--help").partition("Commands:")[2], re.MULTILINE)
    assert len(commands) == 23
    for command in [*([one] for one in commands if one != "keys"), *NESTED]:
        assert [line for line in shell(*command, "--help").splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("no_color", [False, True])
def test_a_terminal_gets_colours_unless_no_color_is_set(shell: Shell, client: Bureau, no_color: bool) -> None:
    client.task("shop.suma", a=2, b=2).wait(ENDS_SECONDS)
    done = shell.run("jobs", env={"FORCE_COLOR": "1", "TERM": "xterm", **({"NO_COLOR": "1"} if no_color else {})})
    assert done.exit_code == 0
    assert ("\x1b[32msucceeded" in done.stdout) is not no_color
    assert "succeeded" in done.stdout


def test_a_terminal_shows_a_progress_bar_while_a_job_runs(shell: Shell, plain: EmbeddedBureau, client: Bureau) -> None:
    job = client.task("shop.initials", names=["Ada Lovelace"] * 20_000)
    env = {**os.environ, "BUREAU_URL": plain.api.url, "TERM": "xterm", "COLUMNS": "80"}
    command = f"{shlex.quote(sys.executable)} -m bureau follow {job.id}"
    typed = subprocess.run(
        ["script", "-qec", command, "/dev/null"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert typed.returncode == 0, typed.stdout
    assert "initials.txt" in typed.stdout
    assert "\x1b[?25h" in typed.stdout  # the cursor that a bar hides is back


def test_a_shell_completes_names(shell: Shell, plain: EmbeddedBureau) -> None:
    words = {"COMP_WORDS": "bureau submit report mon", "COMP_CWORD": "3", "_BUREAU_COMPLETE": "bash_complete"}
    command = [sys.executable, "-c", "from bureau.cli.main import main; main()"]
    env = {**os.environ, **words, "BUREAU_URL": plain.api.url}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.stdout == "plain,monthly-sales\n"


def test_keys_are_made_by_the_gateways_own_command() -> None:
    """Here its code is installed; the line for a file needs no ledger."""
    words = ["keys", "make", "--owner", "shop", "--role", "view", "--for-file"]
    done = subprocess.run(
        [sys.executable, "-m", "bureau", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert re.fullmatch(r"shop view bureau_\w+\n", done.stdout), done.stderr


def readme_commands() -> list[str]:
    blocks: list[Any] = re.findall(r"^```\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", "").splitlines()
    return [line for line in lines if line.startswith("bureau ") and "$" not in line]


@pytest.mark.parametrize("line", readme_commands())
def test_the_readme_is_true(shell: Shell, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    shell(*shlex.split(line)[1:])
