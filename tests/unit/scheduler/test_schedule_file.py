"""Tests the reading of a file of schedules, and its errors with file, line, path and how to fix them."""

from pathlib import Path

import pytest

from bureau.contracts.problems import FieldError
from bureau.contracts.schedules.schedules import Misfire
from bureau.services.scheduler.schedule_file import LARGEST_BYTES, InvalidScheduleFile, ScheduleFile
from bureau.services.scheduler.settings import SchedulerSettings
from bureau.settings import SettingsError, load

JOB = "job: {tasks: [{name: add, run: shop.suma, input: {a: 2, b: 2}}]}"
GOOD = f"""
owner: shop
schedules:
  morning:
    cron: 0 7 * * 1-5
    time_zone: Europe/Paris
    misfire: all
    {JOB}
  hourly:
    every_seconds: 3600
    enabled: false
    owner: other
    {JOB}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "schedules.yaml"


def errors(text: str) -> list[str]:
    with pytest.raises(InvalidScheduleFile) as refused:
        ScheduleFile(Path("schedules.yaml"), text.encode())
    return refused.value.errors


def test_schedules_are_read_with_their_owners(path: Path) -> None:
    morning, hourly = ScheduleFile(path, GOOD.encode()).entries
    assert (morning.owner, morning.name, morning.spec.cron) == ("shop", "morning", "0 7 * * 1-5")
    assert (morning.spec.time_zone, morning.spec.misfire, morning.spec.enabled) == ("Europe/Paris", Misfire.ALL, True)
    assert (hourly.owner, hourly.spec.every_seconds, hourly.spec.enabled) == ("other", 3600, False)


@pytest.mark.parametrize("text", ["", "# none\n", "schedules:\n", "schedules: {}\n", "owner: shop\n"])
def test_a_file_without_schedules_is_valid(path: Path, text: str) -> None:
    assert ScheduleFile(path, text.encode()).entries == []


def test_a_schedule_without_an_owner_belongs_to_local(path: Path) -> None:
    (written,) = ScheduleFile(path, f"schedules: {{a: {{cron: '@daily', {JOB}}}}}".encode()).entries
    assert written.owner == "local"


def test_all_errors_are_reported_in_the_order_of_their_lines() -> None:
    text = """\
schedules:
  a b:
    cron: "@daily"
    job:
      tasks:
        - name: x
          run: shop.suma
          after: [y]
  b:
    cron: "0 0 30 2 *"
    time_zone: Europe/Pari
    job:
      run_at: 2030-01-01T00:00:00Z
      tasks: [{name: x, run: shop.suma}]
"""
    lines = errors(text)
    assert [line.split(":")[0] for line in lines] == [
        "schedules.yaml, line 2, schedules/a b",
        "schedules.yaml, line 8, schedules/a b/job/tasks/0/after/0",
        "schedules.yaml, line 10, schedules/b/cron",
        "schedules.yaml, line 11, schedules/b/time_zone",
        "schedules.yaml, line 13, schedules/b/job/run_at",
    ]
    for line, mend in zip(
        lines,
        ("letters, digits", "called y", "month 2 has no day 30", "did you mean Europe/Paris", "cron or"),
        strict=True,
    ):
        assert mend in line


def test_a_value_of_the_wrong_type_is_reported_with_its_line() -> None:
    text = """\
owner: "a b"
schedules:
  b:
    every_seconds: "5"
    colour: red
    job: 5
  c:
    cron: 5
"""
    places = [line.split(":")[0].removeprefix("schedules.yaml, ") for line in errors(text)]
    assert places == [
        "line 1, owner",
        "line 4, schedules/b/every_seconds",
        "line 5, schedules/b/colour",
        "line 6, schedules/b/job",
        "line 8, schedules/c/cron",
    ]


def test_a_schedule_that_submits_nothing_or_two_things_is_reported() -> None:
    text = """\
schedules:
  nothing:
    every_seconds: 5
  both:
    every_seconds: 5
    report: {report: sales}
    email: {to: [ada@example.com], subject: Hello, text: It works.}
  wrong:
    every_seconds: 5
    report:
      report: sales
      email_to: [ada]
"""
    assert errors(text.partition("  wrong")[0]) == [
        "schedules.yaml, line 2, schedules/nothing/job: Say what to submit: one of job, report, email, certificates.",
        "schedules.yaml, line 7, schedules/both/email: Give report or email, not both.",
    ]
    (wrong,) = errors(text)
    assert wrong.startswith("schedules.yaml, line 12, schedules/wrong/report/email_to/0: Not an e-mail address")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"schedules:\n  a:\n    cron: @daily", "schedules.yaml, line 3: not YAML: "),
        (b"- a", "schedules.yaml, line 1: It is a JSON object."),
        (b"\xff", "schedules.yaml is not UTF-8 text"),
    ],
)
def test_an_unreadable_content_is_reported(data: bytes, message: str) -> None:
    with pytest.raises(InvalidScheduleFile) as refused:
        ScheduleFile(Path("schedules.yaml"), data)
    assert refused.value.errors[0].startswith(message)


def test_a_file_that_cannot_be_opened_is_reported(path: Path) -> None:
    with pytest.raises(InvalidScheduleFile, match="cannot be read"):
        ScheduleFile.at(path)
    path.write_bytes(b"#" * (LARGEST_BYTES + 1))
    with pytest.raises(InvalidScheduleFile, match="more than"):
        ScheduleFile.at(path)


def test_a_changed_file_is_read_again(path: Path) -> None:
    path.write_text(GOOD)
    file = ScheduleFile.at(path)
    assert file.reread() is file
    path.write_text("schedules:\n")
    assert file.reread().entries == []
    path.write_text("schedules: [")
    with pytest.raises(InvalidScheduleFile):
        file.reread()


def test_errors_found_later_have_their_line_too(path: Path) -> None:
    file = ScheduleFile(path, GOOD.encode())
    unknown = FieldError("unknown_run", "No service has announced shop.suma.", "#/job/tasks/0/run")
    (lines,) = file.error_lines(file.entries[0], [unknown])
    assert lines == f"{path}, line 8, schedules/morning/job/tasks/0/run: No service has announced shop.suma."


def test_an_invalid_file_at_the_start_names_the_setting(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text("schedules: {a: {cron: '0 0 30 2 *', job: {tasks: [{name: x, run: a.b}]}}}")
    monkeypatch.setenv("SCHEDULES_FILE", str(path))
    (settings,) = load(SchedulerSettings)
    with pytest.raises(SettingsError) as refused:
        settings.schedules()
    (error,) = refused.value.errors
    assert error.startswith(f"SCHEDULES_FILE: {path}, line 1, schedules/a/cron: The cron expression 0 0 30 2 *")


def test_without_the_setting_there_is_no_file() -> None:
    assert SchedulerSettings().schedules() is None
