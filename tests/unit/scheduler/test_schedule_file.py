"""A file of schedules: what is in it, and every mistake by file, line, place and mend."""

from pathlib import Path

import pytest

from bureau.contracts.problems import FieldError
from bureau.contracts.schedules.schedules import Misfire
from bureau.services.scheduler.schedule_file import LARGEST_BYTES, ScheduleFile, ScheduleFileWrong
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
    with pytest.raises(ScheduleFileWrong) as refused:
        ScheduleFile(Path("schedules.yaml"), text.encode())
    return refused.value.errors


def test_schedules_are_read_with_their_owners(path: Path) -> None:
    morning, hourly = ScheduleFile(path, GOOD.encode()).written
    assert (morning.owner, morning.name, morning.spec.cron) == ("shop", "morning", "0 7 * * 1-5")
    assert (morning.spec.time_zone, morning.spec.misfire, morning.spec.enabled) == ("Europe/Paris", Misfire.ALL, True)
    assert (hourly.owner, hourly.spec.every_seconds, hourly.spec.enabled) == ("other", 3600, False)


@pytest.mark.parametrize("text", ["", "# none\n", "schedules:\n", "schedules: {}\n", "owner: shop\n"])
def test_a_file_without_schedules_is_fine(path: Path, text: str) -> None:
    assert ScheduleFile(path, text.encode()).written == []


def test_who_asks_without_keys_owns_what_names_no_owner(path: Path) -> None:
    (written,) = ScheduleFile(path, f"schedules: {{a: {{cron: '@daily', {JOB}}}}}".encode()).written
    assert written.owner == "local"


def test_every_error_is_told_from_the_top_down_with_its_line() -> None:
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
    told = errors(text)
    assert [line.split(":")[0] for line in told] == [
        "schedules.yaml, line 2, schedules/a b",
        "schedules.yaml, line 8, schedules/a b/job/tasks/0/after/0",
        "schedules.yaml, line 10, schedules/b/cron",
        "schedules.yaml, line 11, schedules/b/time_zone",
        "schedules.yaml, line 13, schedules/b/job/run_at",
    ]
    for line, mend in zip(
        told, ("letters, digits", "called y", "no day 30 in month 2", "is Europe/Paris meant", "cron or"), strict=True
    ):
        assert mend in line


def test_what_has_another_form_is_told_with_its_line() -> None:
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
        "line 7, schedules/c/job",
        "line 8, schedules/c/cron",
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"schedules:\n  a:\n    cron: @daily", "schedules.yaml, line 3: not YAML: "),
        (b"- a", "schedules.yaml, line 1: It is a JSON object."),
        (b"\xff", "schedules.yaml is not UTF-8 text"),
    ],
)
def test_what_is_no_such_file_is_told(data: bytes, said: str) -> None:
    with pytest.raises(ScheduleFileWrong) as refused:
        ScheduleFile(Path("schedules.yaml"), data)
    assert refused.value.errors[0].startswith(said)


def test_a_file_that_cannot_be_read_is_told(path: Path) -> None:
    with pytest.raises(ScheduleFileWrong, match="cannot be read"):
        ScheduleFile.at(path)
    path.write_bytes(b"#" * (LARGEST_BYTES + 1))
    with pytest.raises(ScheduleFileWrong, match="more than"):
        ScheduleFile.at(path)


def test_a_file_is_read_again_when_it_changed(path: Path) -> None:
    path.write_text(GOOD)
    file = ScheduleFile.at(path)
    assert file.again() is file
    path.write_text("schedules:\n")
    assert file.again().written == []
    path.write_text("schedules: [")
    with pytest.raises(ScheduleFileWrong):
        file.again()


def test_errors_found_later_have_their_place_too(path: Path) -> None:
    file = ScheduleFile(path, GOOD.encode())
    unknown = FieldError("unknown_run", "No service has announced shop.suma.", "#/job/tasks/0/run")
    (told,) = file.told(file.written[0], [unknown])
    assert told == f"{path}, line 8, schedules/morning/job/tasks/0/run: No service has announced shop.suma."


def test_a_start_with_a_wrong_file_names_the_setting(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text("schedules: {a: {cron: '0 0 30 2 *', job: {tasks: [{name: x, run: a.b}]}}}")
    monkeypatch.setenv("SCHEDULES_FILE", str(path))
    (settings,) = load(SchedulerSettings)
    with pytest.raises(SettingsError) as refused:
        settings.schedules()
    (error,) = refused.value.errors
    assert error.startswith(f"SCHEDULES_FILE: {path}, line 1, schedules/a/cron: The cron expression 0 0 30 2 *")


def test_without_the_setting_there_is_no_file() -> None:
    assert SchedulerSettings().schedules() is None
