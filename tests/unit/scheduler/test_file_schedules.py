"""Tests how schedules of a file come into the ledger: at the start, after changes, and when services announce."""

from pathlib import Path

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from bureau.contracts.schedules.schedules import Misfire
from bureau.ledger.db.tables import audit
from bureau.ledger.schedules import schedules
from bureau.ledger.schedules.schedules import NewSchedule, Schedule, ScheduleOrigin
from bureau.ledger.schedules.ticks import Timing
from bureau.services.scheduler.file_schedules import FileSchedules
from bureau.services.scheduler.schedule_file import ScheduleFile
from tests.support.ledger.book import add_upload, stored
from tests.unit.scheduler.conftest import Place

JOB = "job: {tasks: [{name: add, run: shop.suma, input: {a: 2, b: 2}}]}"


def hourly(job: str = JOB, name: str = "hourly", seconds: int = 3600) -> str:
    return f"schedules: {{{name}: {{every_seconds: {seconds}, {job}}}}}"


class Filed:
    """The file, and the loop that looks at it."""

    def __init__(self, place: Place, path: Path, text: str) -> None:
        path.write_text(text)
        self.path = path
        self.db = place.db
        self._loop = FileSchedules(place.db, place.announcements, ScheduleFile.at(path))

    def look(self, text: str | None = None) -> list[str]:
        """A look of the loop, after the file was written; what it warned of."""
        if text is not None:
            self.path.write_text(text)
        with capture_logs() as said:
            self._loop.step()
        return [str(entry["reason"]) for entry in said if entry["log_level"] == "warning"]

    def kept(self, name: str = "hourly", owner: str = "local") -> Schedule | None:
        return schedules.find(self.db, owner, name)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "schedules.yaml"


def test_the_schedules_of_the_file_are_saved_by_a_step(place: Place, path: Path) -> None:
    place.announce()
    filed = Filed(place, path, hourly())
    assert filed.look() == []
    kept = filed.kept()
    assert kept is not None
    assert (kept.source, kept.timing, kept.enabled) == (ScheduleOrigin.FILE, Timing(None, 3600, "UTC"), True)
    assert kept.job == {"tasks": [{"name": "add", "run": "shop.suma", "input": {"a": 2, "b": 2}}]}
    assert kept.next_at is not None


def test_an_unchanged_file_changes_nothing(place: Place, path: Path) -> None:
    place.announce()
    Filed(place, path, hourly()).look()
    filed = Filed(place, path, f"# a comment\n{hourly()}")
    before = filed.kept()
    filed.look()
    assert filed.kept() == before


def test_a_changed_file_changes_the_schedules(place: Place, path: Path) -> None:
    place.announce()
    filed = Filed(place, path, hourly())
    filed.look()
    filed.look(hourly(seconds=60))
    assert filed.kept().timing.every_seconds == 60  # type: ignore[union-attr]
    filed.look(hourly(name="other"))
    assert filed.kept() is None
    assert filed.kept("other") is not None
    filed.look("schedules:\n")
    assert schedules.from_files(place.db) == []


def test_a_file_that_became_invalid_changes_nothing_and_is_reported_once(place: Place, path: Path) -> None:
    place.announce()
    filed = Filed(place, path, hourly())
    filed.look()
    before = filed.kept()
    (told,) = filed.look("schedules: {hourly: {cron: '0 0 30 2 *', job: {tasks: [{name: x, run: a.b}]}}}")
    assert "line 1, schedules/hourly/cron" in told
    assert filed.look() == []
    path.unlink()
    (told,) = filed.look()
    assert "cannot be read" in told
    assert filed.kept() == before
    assert filed.look(hourly(seconds=60)) == []
    assert filed.kept().timing.every_seconds == 60  # type: ignore[union-attr]


def test_a_schedule_of_an_unannounced_task_is_reported_and_saved_later(place: Place, path: Path) -> None:
    filed = Filed(place, path, hourly())
    (told,) = filed.look()
    assert told.startswith(f"{path}, line 1, schedules/hourly/job/tasks/0/run: No service has announced shop.suma")
    assert filed.look() == []
    assert filed.kept() is None
    place.announce()
    filed.look()
    assert filed.kept() is not None


def test_an_invalid_input_leaves_the_schedule_unchanged(place: Place, path: Path) -> None:
    place.announce()
    filed = Filed(place, path, hourly())
    filed.look()
    (told,) = filed.look(hourly("job: {tasks: [{name: add, run: shop.suma, input: {a: x, b: 2}}]}"))
    assert "schedules/hourly/job/tasks/0/input/a" in told
    assert filed.kept().job["tasks"][0]["input"] == {"a": 2, "b": 2}  # type: ignore[union-attr]


def test_a_name_that_was_created_over_http_is_reported(place: Place, path: Path) -> None:
    place.announce()
    new = NewSchedule("local", "hourly", Timing("@daily", None, "UTC"), {}, True, Misfire.ONCE, ScheduleOrigin.API)
    schedules.save(place.db, "local", "hourly", ScheduleOrigin.API, lambda _: new)
    filed = Filed(place, path, hourly())
    (told,) = filed.look()
    assert "A schedule of this name was created over HTTP" in told
    schedules.delete_schedule(place.db, "local", "hourly", ScheduleOrigin.API)
    filed.look()
    assert filed.kept().source is ScheduleOrigin.FILE  # type: ignore[union-attr]


def test_an_artifact_of_another_owner_is_reported(place: Place, path: Path) -> None:
    place.announce()
    theirs = stored(owner="bob")
    add_upload(place.db, theirs)
    job = f"job: {{tasks: [{{name: add, run: shop.suma, input: {{a: 2, b: 2, of: {{artifact: {theirs.id}}}}}}}]}}"
    (told,) = Filed(place, path, hourly(job)).look()
    assert f"job/tasks/0/input/of: local does not have the file {theirs.id}" in told


def test_any_number_of_schedulers_may_read_the_file(place: Place, path: Path) -> None:
    place.announce()
    both = [Filed(place, path, hourly()) for _ in range(2)]
    assert [filed.look() for filed in both] == [[], []]
    before = both[0].kept()
    assert [filed.look() for filed in both] == [[], []]
    assert both[0].kept() == before


def test_changes_by_the_file_are_in_the_audit(place: Place, path: Path) -> None:
    place.announce()
    filed = Filed(place, path, hourly())
    filed.look()
    filed.look()  # nothing changed
    filed.look("schedules: {}")
    with place.db.read() as connection:
        rows = connection.execute(select(audit.c.act, audit.c.owner, audit.c.by, audit.c.target).order_by(audit.c.id))
        assert rows.all() == [
            ("schedule.put", "local", "file", "hourly"),
            ("schedule.delete", "local", "file", "hourly"),
        ]
