"""Tests the shipped example: its file is valid for the services that it names, and its tasks work."""

import os
import time
from pathlib import Path

import pytest
from pydantic import BaseModel

from bureau.contracts.catalog import Catalog, TaskDescription
from bureau.contracts.errors import PermanentError
from bureau.contracts.mail.mail import MailSent, SendMail
from bureau.contracts.reports import GenerateReport, ReportGenerated
from bureau.contracts.schemas import Schema
from bureau.services.reports.definition.report import read_report
from bureau.services.scheduler.schedule_file import ScheduleFile
from bureau.submission.announcements import CatalogSnapshot, KnownReport, KnownTask
from bureau.submission.requests.limits import RequestLimits
from bureau.submission.schedules import schedule_errors
from examples.schedules.tasks import clean_up, free_space
from tests.support.context import FakeContext
from tests.support.running.processes import ROOT

EXAMPLE = ROOT / "examples/schedules/schedules.yaml"
SHIPPED: dict[str, tuple[type[BaseModel], type[BaseModel]]] = {
    "mailer.send": (SendMail, MailSent),
    "reports.generate": (GenerateReport, ReportGenerated),
}
DESCRIBED = [
    TaskDescription(
        name=name,
        queue=name.split(".")[0],
        input_schema=given.model_json_schema(),
        result_schema=made.model_json_schema(),
    )
    for name, (given, made) in SHIPPED.items()
]
DESCRIBED += [free_space.description, clean_up.description]
TOP = read_report(ROOT / "services/reports/queries/top-customers.sql").describe()
KNOWN = CatalogSnapshot(
    Catalog(),
    {one.name: KnownTask(one, Schema(one.input_schema)) for one in DESCRIBED},
    {TOP.name: KnownReport(TOP, Schema(TOP.params_schema))},
    {},
    {},
)


@pytest.fixture
def context(tmp_path: Path) -> FakeContext:
    return FakeContext(tmp_path / "storage")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outbox").mkdir()
    return tmp_path / "outbox"


def test_every_schedule_of_the_example_is_accepted() -> None:
    written = ScheduleFile.at(EXAMPLE).entries
    assert [(one.name, schedule_errors(one.spec, KNOWN, RequestLimits())) for one in written] == [
        ("daily-report", []),
        ("hourly-check", []),
        ("nightly-clean-up", []),
    ]


def test_a_disk_with_room_is_logged_and_a_full_one_fails(context: FakeContext, tmp_path: Path) -> None:
    found = free_space(context, str(tmp_path), least_percent=0)
    assert 0 < found["free_percent"] <= 100
    with pytest.raises(PermanentError, match="at least 101 % should be"):
        free_space(context, str(tmp_path), least_percent=101)
    with pytest.raises(PermanentError, match="cannot be looked at"):
        free_space(context, str(tmp_path / "nowhere"))


def test_old_files_that_match_are_deleted_and_no_others(context: FakeContext, folder: Path) -> None:
    then = time.time() - 40 * 24 * 3600
    for name in ("old.eml", "older.eml", "old.txt", "new.eml"):
        (folder / name).write_text("x")
        if name != "new.eml":
            os.utime(folder / name, (then, then))
    assert clean_up(context, "outbox", "*.eml", 30) == 2
    assert sorted(path.name for path in folder.iterdir()) == ["new.eml", "old.txt"]
    assert clean_up(context, "outbox", "*.eml", 30) == 0


@pytest.mark.parametrize(
    ("where", "pattern"), [("/etc", "*"), ("../outbox", "*"), ("outbox", "../*"), ("outbox", "/*")]
)
def test_a_clean_up_stays_where_the_worker_is(context: FakeContext, folder: Path, where: str, pattern: str) -> None:
    with pytest.raises(PermanentError, match="below the worker's own"):
        clean_up(context, where, pattern, 0)
