"""Saves the schedules of SCHEDULES_FILE in the ledger at the start and whenever the file changes."""

from collections.abc import Sequence

import structlog

from bureau.contracts.jobs import pointer
from bureau.contracts.problems import FieldError
from bureau.ledger.access.audit import FILE, Act
from bureau.ledger.db.database import Database
from bureau.ledger.files.artifacts import ArtifactGone
from bureau.ledger.schedules import schedules
from bureau.ledger.schedules.schedules import NewSchedule, OtherOrigin, Schedule, ScheduleOrigin
from bureau.services.scheduler.schedule_file import FileEntry, InvalidScheduleFile, ScheduleFile
from bureau.submission.announcements import Announcements
from bureau.submission.requests.limits import DEFAULT_LIMITS, RequestLimits
from bureau.submission.schedules import new_schedule, schedule_errors, used_in_schedule

CHECK_SECONDS = 2.0

log = structlog.get_logger(__name__)


class FileSchedules:
    """Applies the file; a loop calls `step`. A file that became invalid changes nothing; its errors are logged once.

    A schedule may name a task that is not announced yet, because services start at the same time as the scheduler.
    Such a schedule is retried at each step, and the saved one stays unchanged until then.
    """

    def __init__(
        self, db: Database, announcements: Announcements, file: ScheduleFile, limits: RequestLimits = DEFAULT_LIMITS
    ) -> None:
        self._db = db
        self._announcements = announcements
        self._limits = limits
        self._file = file
        self._applied: ScheduleFile | None = None
        self._waiting: list[FileEntry] = []
        self._reported: list[str] = []

    def step(self) -> float:
        try:
            self._file = self._file.reread()
        except InvalidScheduleFile as error:
            self._report(error.errors)
            return CHECK_SECONDS
        if self._file is not self._applied:
            self._waiting = list(self._file.entries)
            self._delete_removed()
            self._applied = self._file
        self._save_waiting()
        return CHECK_SECONDS

    def _save_waiting(self) -> None:
        refused: list[str] = []
        waiting: list[FileEntry] = []
        for entry in self._waiting:
            if errors := self._save(entry):
                waiting.append(entry)
                refused += self._file.error_lines(entry, errors)
        self._waiting = waiting
        self._report(refused)

    def _save(self, entry: FileEntry) -> Sequence[FieldError]:
        """Saves a schedule; returns the validation errors that prevent it."""
        if errors := schedule_errors(entry.spec, self._announcements.known(), self._limits):
            return errors
        new = new_schedule(entry.spec, entry.owner, entry.name, ScheduleOrigin.FILE)
        if _is_unchanged(new, schedules.find(self._db, new.owner, new.name)):
            return ()
        try:
            act = Act("schedule.put", new.owner, FILE, new.name)
            schedules.save(self._db, new.owner, new.name, ScheduleOrigin.FILE, lambda _: new, act)
        except OtherOrigin:
            detail = "A schedule of this name was created over HTTP; delete it there, or choose another name."
            return [FieldError("taken", detail, "#")]
        except ArtifactGone as gone:
            return _gone_errors(entry, gone)
        log.info("a schedule of the file was saved", owner=new.owner, schedule=new.name)
        return ()

    def _delete_removed(self) -> None:
        """Deletes the schedules that are no longer in the file."""
        in_file = {(one.owner, one.name) for one in self._file.entries}
        for owner, name in schedules.from_files(self._db):
            if (owner, name) in in_file:
                continue
            act = Act("schedule.delete", owner, FILE, name)
            if schedules.delete_schedule(self._db, owner, name, ScheduleOrigin.FILE, act):
                log.info("a schedule was deleted, because it is no longer in the file", owner=owner, schedule=name)

    def _report(self, errors: list[str]) -> None:
        for error in errors:
            if error not in self._reported:
                log.warning("a schedule of the file cannot be applied", reason=error)
        self._reported = errors


def _gone_errors(entry: FileEntry, gone: ArtifactGone) -> list[FieldError]:
    return [
        FieldError(
            "unknown_artifact", f"{entry.owner} does not have the file {one.artifact}.", pointer.fragment(one.path)
        )
        for one in used_in_schedule(entry.spec)
        if one.artifact in gone.missing
    ]


def _is_unchanged(new: NewSchedule, saved: Schedule | None) -> bool:
    return saved is not None and all(
        getattr(new, part) == getattr(saved, part) for part in ("timing", "job", "enabled", "misfire", "source")
    )
