"""What the doctor learns of schedules: who is late, whose last time has no job, whose last job failed."""

from sqlalchemy import update

from bureau.contracts.schedules.schedules import Misfire
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import schedules as table
from bureau.ledger.jobs.submit import NewJob
from bureau.ledger.schedules import schedules
from bureau.ledger.schedules.firing import due, fire
from bureau.ledger.schedules.health import ScheduleSurvey, survey
from bureau.ledger.schedules.schedules import NewSchedule, ScheduleOrigin
from bureau.ledger.schedules.ticks import Timing
from tests.support.ledger.book import Book, failed, task


def save(db: Database, name: str, *, enabled: bool = True) -> None:
    job = {"tasks": [{"name": "only", "run": "shop.work"}]}
    new = NewSchedule("ada", name, Timing(None, 3600, "UTC"), job, enabled, Misfire.ONCE, ScheduleOrigin.API)
    schedules.save(db, "ada", name, ScheduleOrigin.API, lambda _: new)


def let_pass(db: Database, name: str, seconds: float) -> None:
    with db.transaction() as connection:
        connection.execute(update(table).where(table.c.name == name).values(next_at=later(-seconds)))


def test_without_schedules_there_is_nothing_to_say(db: Database) -> None:
    assert survey(db) == ScheduleSurvey(0, 0, None, ())


def test_a_schedule_that_is_on_time_is_only_counted(db: Database) -> None:
    for name in ("a", "b"):
        save(db, name)
    save(db, "off", enabled=False)
    let_pass(db, "a", 30)  # as late as a restart makes it
    found = survey(db)
    assert (found.coming, found.disabled, found.troubled) == (2, 1, ())
    kept = schedules.find(db, "ada", "a")
    assert kept is not None
    assert found.next_at == kept.next_at


def test_a_late_schedule_is_listed_with_its_delay(db: Database) -> None:
    save(db, "a")
    let_pass(db, "a", 300)
    (one,) = survey(db).troubled
    assert (one.owner, one.name, one.problem, one.failed_job) == ("ada", "a", None, None)
    assert 299 < one.late_seconds < 330


def test_a_time_without_a_job_is_told_until_the_next_one(db: Database) -> None:
    save(db, "a")

    def refuses(*_: object) -> NewJob:
        raise ValueError("There is no such shop.")

    let_pass(db, "a", 1)
    for owner, name in due(db):
        fire(db, owner, name, refuses)
    (one,) = survey(db).troubled
    assert (one.problem, one.late_seconds) == ("There is no such shop.", 0)
    assert one.problem_at is not None
    let_pass(db, "a", 1)
    for owner, name in due(db):
        fire(db, owner, name, lambda kept, job_id: NewJob(job_id, kept.owner, "job", kept.name, (task(),)))
    assert survey(db).troubled == ()


def test_a_last_job_that_failed_is_told(db: Database) -> None:
    save(db, "a")
    let_pass(db, "a", 1)
    for owner, name in due(db):
        fire(db, owner, name, lambda kept, job_id: NewJob(job_id, kept.owner, "job", kept.name, (task(),)))
    kept = schedules.find(db, "ada", "a")
    assert kept is not None
    assert kept.last_job_id is not None
    assert survey(db).troubled == ()
    Book(db).run(kept.last_job_id, "only", failed())
    (one,) = survey(db).troubled
    assert (one.failed_job, one.late_seconds, one.problem) == (kept.last_job_id, 0, None)
