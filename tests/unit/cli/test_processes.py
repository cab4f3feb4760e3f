"""The commands that become a process: what they run, and with which settings."""

import os
import sys
from collections.abc import Sequence

import pytest
from click.testing import CliRunner, Result

from bureau.cli.main import cli
from bureau.cli.processes import become

SETTINGS = ("SERVICES", "QUEUES", "CONCURRENCY", "TASKS")
Ran = tuple[list[str], dict[str, str]]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Ran]:
    """What was run in place of the command, and the settings that it was given."""
    found: list[Ran] = []

    def execv(program: str, arguments: Sequence[str]) -> None:
        assert program == arguments[0] == sys.executable
        named = {name: os.environ[name] for name in SETTINGS if name in os.environ}
        found.append((list(arguments[1:]), named))
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", execv)
    for name in SETTINGS:
        monkeypatch.setenv(name, "")  # so that it is restored
        monkeypatch.delenv(name)
    return found


def called(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="bureau")


@pytest.mark.parametrize(
    ("arguments", "run", "settings"),
    [
        (["shop.tasks"], ["shop.tasks", "--skip-logging", "--processes", "1", "--threads", "8"], {"SERVICES": ""}),
        (
            ["shop.tasks", "mailer", "more.tasks", "reports", "--threads", "3", "--processes", "2"],
            ["shop.tasks", "more.tasks", "--skip-logging", "--processes", "2", "--threads", "3"],
            {"SERVICES": "mailer reports"},
        ),
        (
            ["mailer", "shop.tasks", "--concurrency", "50", "--queue", "bulk", "--queue", "night"],
            ["shop.tasks", "--skip-logging", "--processes", "1", "--threads", "8"],
            {"SERVICES": "mailer", "CONCURRENCY": "50", "QUEUES": "bulk night"},
        ),
    ],
)
def test_a_worker_becomes_dramatiqs_command(
    ran: list[Ran], arguments: list[str], run: list[str], settings: dict[str, str]
) -> None:
    assert called("worker", *arguments).exit_code == 0
    assert ran == [(["-m", "dramatiq", "bureau.worker", *run], settings)]


def test_announcing_becomes_a_process_that_reads_the_modules(ran: list[Ran]) -> None:
    assert called("announce", "shop.tasks", "mailer", "more.tasks").exit_code == 0
    assert called("announce", "shop.tasks", "--queue", "bulk", "--queue", "night").exit_code == 0
    module = ["-m", "bureau.announcing", "announce"]
    assert ran == [
        ([*module, "shop.tasks", "more.tasks"], {"SERVICES": "mailer"}),
        ([*module, "shop.tasks"], {"SERVICES": "", "QUEUES": "bulk night"}),
    ]


def test_withdrawing_takes_queues(ran: list[Ran]) -> None:
    assert called("announce", "--withdraw", "shop", "bulk").exit_code == 0
    assert called("announce", "--withdraw", "shop", "--queue", "bulk").exit_code == 2
    assert called("announce").exit_code == 2
    assert ran == [(["-m", "bureau.announcing", "withdraw", "shop", "bulk"], {})]


def test_run_becomes_the_process_with_all_in_it(ran: list[Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    assert called("run").exit_code == 0
    assert called("run", "shop.tasks", "more.tasks").exit_code == 0
    monkeypatch.setenv("TASKS", "own.tasks")
    assert called("run", "shop.tasks").exit_code == 0
    everything = ["-m", "bureau.services.embedded"]
    assert ran == [
        (everything, {}),
        (everything, {"TASKS": "shop.tasks more.tasks"}),
        (everything, {"TASKS": "shop.tasks own.tasks"}),
    ]


@pytest.mark.parametrize("arguments", [[], ["shop.tasks", "--threads", "0"], ["shop.tasks", "--threads", "many"]])
def test_a_worker_without_modules_or_threads_is_wrong_usage(ran: list[Ran], arguments: list[str]) -> None:
    assert called("worker", *arguments).exit_code == 2
    assert ran == []


def test_a_missing_library_is_named_with_its_extra(ran: list[Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(become, "find_spec", lambda _: None)
    done = called("worker", "shop.tasks")
    assert (done.exit_code, done.stderr) == (2, "Error: dramatiq is missing: pip install 'bureau-jobs[worker]'\n")
    assert "pip install 'bureau-jobs[embedded]'" in called("run").stderr
    assert ran == []
