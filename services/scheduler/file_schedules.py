"""Schedules of SCHEDULES_FILE, brought into the ledger at the start and whenever the file changes."""

from collections.abc import Sequence

import structlog

from bureau.contracts.problems import FieldError
from bureau.ledger.access.audit import FILE, Act
from bureau.ledger.db.database import Database
from bureau.ledger.files.artifacts import ArtifactGone
from bureau.ledger.schedules import schedules
from bureau.ledger.schedules.schedules import NewSchedule, OtherOrigin, Schedule, ScheduleOrigin
from bureau.services.scheduler.schedule_file import ScheduleFile, ScheduleFileWrong, Written
from bureau.submission.announcements import Announcements
from bureau.submission.schedules import new_schedule, schedule_errors

LOOK_SECONDS = 2.0

log = structlog.get_logger(__name__)


class FileSchedules:
    """`step` is a loop's. A file that became wrong changes nothing; its mistakes are logged, once.

    What is not announced yet may come: the services start beside the scheduler. Such a schedule waits, is tried again
    at each look, and stays as it was until then.
    """

    def __init__(self, db: Database, announcements: Announcements, file: ScheduleFile) -> None:
        self._db = db
        self._announcements = announcements
        self._file = file
        self._taken: ScheduleFile | None = None
        self._waiting: list[Written] = []
        self._said: list[str] = []

    def step(self) -> float:
        try:
            self._file = self._file.again()
        except ScheduleFileWrong as wrong:
            self._say(wrong.errors)
            return LOOK_SECONDS
        if self._file is not self._taken:
            self._waiting = list(self._file.written)
            self._forget_others()
            self._taken = self._file
        self._save_waiting()
        return LOOK_SECONDS

    def _save_waiting(self) -> None:
        refused: list[str] = []
        waiting: list[Written] = []
        for written in self._waiting:
            if errors := self._save(written):
                waiting.append(written)
                refused += self._file.told(written, errors)
        self._waiting = waiting
        self._say(refused)

    def _save(self, written: Written) -> Sequence[FieldError]:
        """What keeps it from being saved."""
        if errors := schedule_errors(written.spec, self._announcements.known()):
            return errors
        new = new_schedule(written.spec, written.owner, written.name, ScheduleOrigin.FILE)
        if _is_as(new, schedules.find(self._db, new.owner, new.name)):
            return ()
        try:
            noted = Act("schedule.put", new.owner, FILE, new.name)
            schedules.save(self._db, new.owner, new.name, ScheduleOrigin.FILE, lambda _: new, noted)
        except OtherOrigin:
            detail = "A schedule of this name was made over HTTP; delete it there, or choose another name."
            return [FieldError("taken", detail, "#")]
        except ArtifactGone as gone:
            return [FieldError("unknown_artifact", f"{written.owner} has no such files: {gone}.", "#/job")]
        log.info("schedule saved from the file", owner=new.owner, schedule=new.name)
        return ()

    def _forget_others(self) -> None:
        """Those that were in the file and are not any more."""
        written = {(one.owner, one.name) for one in self._file.written}
        for owner, name in schedules.from_files(self._db):
            if (owner, name) in written:
                continue
            noted = Act("schedule.delete", owner, FILE, name)
            if schedules.delete_schedule(self._db, owner, name, ScheduleOrigin.FILE, noted):
                log.info("schedule deleted: it is not in the file any more", owner=owner, schedule=name)

    def _say(self, errors: list[str]) -> None:
        for error in errors:
            if error not in self._said:
                log.warning("a schedule of the file is not in force", reason=error)
        self._said = errors


def _is_as(new: NewSchedule, kept: Schedule | None) -> bool:
    return kept is not None and all(
        getattr(new, part) == getattr(kept, part) for part in ("timing", "job", "enabled", "misfire", "source")
    )
