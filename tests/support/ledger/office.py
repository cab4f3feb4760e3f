"""Holds a ledger with its storage, in which time passes, and the scheduler's part that cleans up."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Table, and_, func, select, update

from bureau.contracts.catalog import Catalog
from bureau.contracts.ids import new_id
from bureau.contracts.schedules.schedules import Misfire
from bureau.ledger.access.audit import Act, note
from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import artifacts, audit, events, idempotency, jobs, metadata, workers
from bureau.ledger.dispatch.workers import NewWorker, register
from bureau.ledger.files import artifacts as files
from bureau.ledger.files.artifacts import StoredArtifact
from bureau.ledger.jobs.cancel import cancel
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.outcome import Outcome, Succeeded
from bureau.ledger.retention import file_expiry
from bureau.ledger.retention.policy import RetentionPolicy
from bureau.ledger.schedules import schedules
from bureau.ledger.schedules.schedules import NewSchedule, ScheduleOrigin
from bureau.ledger.schedules.ticks import Timing
from bureau.services.scheduler.retention import RemovedFiles, Retention
from bureau.storage import Storage
from tests.support.ledger.book import Book, add_upload, stored

KEEP = RetentionPolicy(
    succeeded=timedelta(days=30),
    failed=timedelta(days=90),
    cancelled=timedelta(days=20),
    files=timedelta(days=10),
    events=timedelta(days=5),
    audit=timedelta(days=200),
)
_TIMES = {
    jobs: ("created_at", "finished_at"),
    artifacts: ("created_at", "expires_at", "removed_at"),
    events: ("at",),
    idempotency: ("created_at", "held_until"),
    workers: ("started_at", "seen_at"),
    audit: ("at",),
}


@dataclass
class Office:
    """Wraps the ledger and its storage. Jobs and files belong to `ada`."""

    db: Database
    storage: Storage
    keep: RetentionPolicy = KEEP
    book: Book = field(init=False)

    def __post_init__(self) -> None:
        self.book = Book(self.db)

    # -- acting --------------------------------------------------------------------------------------------------

    def upload(self) -> UUID:
        kept = self.put("uploads")
        add_upload(self.db, kept)
        return kept.id

    def job(self, *uses: UUID, ending: Outcome | None = None) -> UUID:
        """An ended job that said a line, and made a file where it succeeded."""
        job_id = self.book.submit(uses=uses)
        claimed = self.book.take(job_id)
        if ending is None:
            made = self.put(f"jobs/{job_id}/{claimed.task_id}/{claimed.claim_no}", job_id)
            ending = Succeeded(None, made=[made])
        self.book.finish(claimed, ending, [TaskEvent("task.logged", "only", {"line": "done"})])
        return job_id

    def cancelled(self) -> UUID:
        job_id = self.book.submit()
        cancel(self.db, job_id, "ada")
        return job_id

    def schedule(self, *uses: UUID, name: str = "daily") -> None:
        timing = Timing("@daily", None, "UTC")
        new = NewSchedule("ada", name, timing, {"tasks": []}, True, Misfire.ONCE, ScheduleOrigin.API, uses)
        schedules.save(self.db, "ada", name, ScheduleOrigin.API, lambda _: new)

    def worker(self) -> None:
        register(self.db, NewWorker(str(new_id()), "shop", "shop", "1", "here", 1, 4, Catalog()))

    def note(self, act: str) -> None:
        """An act of an operator."""
        with self.db.transaction() as connection:
            note(connection, Act(act, "*", "key abc"))

    def put(self, folder: str, job_id: UUID | None = None, owner: str = "ada") -> StoredArtifact:
        """A file in storage, and its row to be."""
        row = stored(owner, job_id=job_id, task_name="only" if job_id else None)
        return replace(row, key=self.storage.put(f"{folder}/{row.id}", [b"abc"]).key)

    # -- time goes by --------------------------------------------------------------------------------------------

    def days_pass(self, days: float) -> None:
        """Everything that has happened was so many days earlier."""
        self.decide()
        for table, columns in _TIMES.items():
            for column in columns:
                self._shift(table, column, timedelta(days=days))

    def _shift(self, table: Table, name: str, by: timedelta) -> None:
        column, key = table.c[name], list(table.primary_key)
        with self.db.transaction() as connection:
            for row in connection.execute(select(column.label("moment"), *key).where(column.is_not(None))).all():
                this = and_(*(part == getattr(row, part.name) for part in key))
                connection.execute(update(table).where(this).values({name: row.moment - by}))

    def decide(self) -> None:
        """Files are told when they expire, as the scheduler does within seconds of a job's end."""
        while file_expiry.settle(self.db, file_expiry.undecided(self.db), self.keep):
            pass

    def clear_up(self) -> None:
        """Until nothing is left to do."""
        retention, removed = Retention(self.db, self.keep), RemovedFiles(self.db, self.storage)
        while sum(step() for step in retention.steps) or removed.step() == 0.0:
            pass

    # -- looking -------------------------------------------------------------------------------------------------

    def there(self, job_id: UUID) -> bool:
        with self.db.read() as connection:
            return connection.execute(select(jobs.c.id).where(jobs.c.id == job_id)).one_or_none() is not None

    def file(self, file_id: UUID) -> StoredArtifact | None:
        return files.find(self.db, file_id, "ada")

    def file_of(self, job_id: UUID) -> StoredArtifact:
        """The only one that the job made."""
        with self.db.read() as connection:
            (found,) = files.of_job(connection, job_id)
        return found

    def stored(self) -> list[str]:
        return sorted(self.storage.list(""))

    def noted(self) -> list[str]:
        """The acts in the audit."""
        with self.db.read() as connection:
            return list(connection.execute(select(audit.c.act).order_by(audit.c.at)).scalars())

    def rows(self) -> dict[str, int]:
        """Of each table that has any."""
        with self.db.read() as connection:
            counts = {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in metadata.sorted_tables
            }
        return {name: count for name, count in counts.items() if count}

    def assert_empty(self) -> None:
        """The audit stays, and the schedules."""
        kept = {"audit", "schedules"}
        assert {name: count for name, count in self.rows().items() if name not in kept} == {}
        assert self.stored() == []
