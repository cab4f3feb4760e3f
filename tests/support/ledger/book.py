"""Wraps a ledger under test: short names for what tests do to it, and queries of its rows."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update

from bureau.contracts.catalog import RetryPolicy
from bureau.contracts.ids import new_id
from bureau.contracts.jobs.states import When
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import attempts, events, jobs, tasks
from bureau.ledger.files.artifacts import StoredArtifact, insert_artifacts
from bureau.ledger.jobs import leases
from bureau.ledger.jobs.claim import Claim, claim
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.finish import Finished, finish
from bureau.ledger.jobs.outcome import Failed, Outcome, RetryLater, Succeeded
from bureau.ledger.jobs.retry_policy import error_of
from bureau.ledger.jobs.submit import NewJob, NewTask, submit

BROKEN = error_of("broken", "It broke.", retryable=True)


def task(name: str = "only", after: str = "", **more: Any) -> NewTask:
    """A task of the queue `shop`; `after` as words."""
    given: dict[str, Any] = {"run": "shop.work", "queue": "shop", "input": {}, **more}
    return NewTask(name=name, after=tuple(after.split()), **given)


def optional(name: str, after: str = "", when: When = When.SUCCEEDED) -> NewTask:
    return task(name, after, when=when, optional=True)


def attempts_at_most(count: int, name: str = "only") -> NewTask:
    return task(name, retry=RetryPolicy(max_attempts=count))


def no_jitter(_seconds: float) -> float:
    """What is put off is due again at once."""
    return 0.0


def full_jitter(seconds: float) -> float:
    return seconds


def failed(code: str = "broken", message: str = "It broke.") -> Failed:
    return Failed(error_of(code, message, retryable=True))


def again(delay: float = 0.0, *, counted: bool = True) -> RetryLater:
    return RetryLater(delay, BROKEN, counted=counted)


def stored(
    owner: str = "ada", job_id: UUID | None = None, task_name: str | None = None, name: str = "a.txt"
) -> StoredArtifact:
    """A file as if its bytes were in storage."""
    artifact_id = new_id()
    return StoredArtifact(
        id=artifact_id,
        owner=owner,
        job_id=job_id,
        task=task_name,
        name=name,
        media_type="text/plain",
        size=3,
        sha256="0" * 64,
        key=f"files/{artifact_id}/{name}",
        created_at=datetime.now(UTC),
    )


class Book:
    """Wraps the ledger. Jobs belong to `ada` and tasks run on the queue `shop`, unless a test says otherwise."""

    def __init__(self, db: Database) -> None:
        self.db = db

    # -- acting --------------------------------------------------------------------------------------------------

    def submit(self, *new: NewTask, **terms: Any) -> UUID:
        """A job of these tasks (one, when none is given); its id."""
        job = self.new_job(*new, **terms)
        submit(self.db, [job])
        return job.id

    def new_job(self, *new: NewTask, **terms: Any) -> NewJob:
        given: dict[str, Any] = {"owner": "ada", "kind": "job", "title": "A job", **terms}
        return NewJob(id=new_id(), tasks=new or (task(),), **given)

    def claim(self, job_id: UUID, name: str = "only", *, worker: str = "w", queue: str = "shop") -> Claim | None:
        return claim(self.db, self.task(job_id, name).id, queue=queue, worker=worker)

    def take(self, job_id: UUID, name: str = "only", *, worker: str = "w") -> Claim:
        """A claim that must be had."""
        claimed = self.claim(job_id, name, worker=worker)
        assert claimed is not None, f"{name} is {self.task(job_id, name).state}"
        return claimed

    def finish(self, claimed: Claim, ending: Outcome | None = None, lines: Sequence[TaskEvent] = ()) -> Finished:
        """Ends a claim, in success unless told."""
        return finish(self.db, claimed, ending or Succeeded(None), lines)

    def run(self, job_id: UUID, name: str = "only", ending: Outcome | None = None) -> Finished:
        """Claims and finishes."""
        return self.finish(self.take(job_id, name), ending)

    def lose(self, job_id: UUID, name: str = "only") -> Claim:
        """Claims the task, lets its lease end and the scheduler see it; the claim that was lost."""
        claimed = self.take(job_id, name)
        self.expire(claimed.task_id)
        return claimed

    def expire(self, task_id: UUID) -> None:
        """Lets the lease of a running task end and the scheduler see it."""
        self.end_lease(task_id)
        leases.expire(self.db, no_jitter)

    # -- time goes by --------------------------------------------------------------------------------------------

    def end_lease(self, task_id: UUID) -> None:
        self.set(task_id, lease_until=later(-1))

    def make_due(self, task_id: UUID) -> None:
        self.set(task_id, due_at=later(-1))

    def set(self, task_id: UUID, **values: Any) -> None:
        """Changes a task's row behind the ledger's back."""
        with self.db.transaction() as connection:
            assert connection.execute(update(tasks).where(tasks.c.id == task_id).values(**values)).rowcount == 1

    def set_job(self, job_id: UUID, **values: Any) -> None:
        with self.db.transaction() as connection:
            assert connection.execute(update(jobs).where(jobs.c.id == job_id).values(**values)).rowcount == 1

    # -- looking -------------------------------------------------------------------------------------------------

    def job(self, job_id: UUID) -> Row[Any]:
        with self.db.read() as connection:
            return connection.execute(select(jobs).where(jobs.c.id == job_id)).one()

    def task(self, job_id: UUID, name: str = "only") -> Row[Any]:
        with self.db.read() as connection:
            return connection.execute(select(tasks).where(tasks.c.job_id == job_id, tasks.c.name == name)).one()

    def tasks(self, job_id: UUID) -> list[Row[Any]]:
        with self.db.read() as connection:
            return list(
                connection.execute(select(tasks).where(tasks.c.job_id == job_id).order_by(tasks.c.position)).all()
            )

    def states(self, job_id: UUID) -> dict[str, str]:
        return {row.name: row.state for row in self.tasks(job_id)}

    def events(self, job_id: UUID) -> list[Row[Any]]:
        with self.db.read() as connection:
            return list(
                connection.execute(select(events).where(events.c.job_id == job_id).order_by(events.c.seq)).all()
            )

    def story(self, job_id: UUID) -> list[str]:
        """The job's events in words: `task.succeeded a`."""
        return [f"{event.type} {event.task}" if event.task else str(event.type) for event in self.events(job_id)]

    def attempts(self, job_id: UUID, name: str = "only") -> list[Row[Any]]:
        task_id = self.task(job_id, name).id
        with self.db.read() as connection:
            return list(
                connection.execute(
                    select(attempts).where(attempts.c.task_id == task_id).order_by(attempts.c.claim_no)
                ).all()
            )

    def outcomes(self, job_id: UUID, name: str = "only") -> list[str]:
        return [attempt.outcome for attempt in self.attempts(job_id, name)]


def add_upload(db: Database, artifact: StoredArtifact) -> None:
    """Writes a file from outside into the ledger, as if the gateway had stored it."""
    with db.transaction() as connection:
        insert_artifacts(connection, [artifact])
