"""Schedules of each kind of request on both databases: kept as they were given, and submitted at their ticks."""

from typing import Any

import pytest
from sqlalchemy import select, update

from bureau.contracts.catalog import Catalog
from bureau.contracts.schedules.schedules import ScheduleSpec
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import artifact_uses, jobs, tasks
from bureau.ledger.db.tables import schedules as table
from bureau.ledger.schedules import schedules
from bureau.ledger.schedules.firing import fire
from bureau.ledger.schedules.schedules import ScheduleOrigin
from bureau.submission.announcements import CatalogSnapshot
from bureau.submission.requests.limits import DEFAULT_LIMITS
from bureau.submission.schedules import job_at, new_schedule, spec_of
from tests.support.ledger.book import add_upload, stored

NOTHING_ANNOUNCED = CatalogSnapshot(Catalog(), {}, {}, {}, {})
REPORT = {"report": "sales", "params": {"day": "2024-01-01"}, "format": {"delimiter": ";"}, "email_to": ["a@b.org"]}
EMAIL = {"from": "Ünal <u@example.com>", "to": ["ada@example.com"], "subject": "Güten Morgen 日本", "text": "…"}


def save(db: Database, **request: Any) -> ScheduleSpec:
    spec = ScheduleSpec.model_validate({"every_seconds": 3600, "misfire": "all", **request})
    new = new_schedule(spec, "ada", "s", ScheduleOrigin.API)
    schedules.save(db, "ada", "s", ScheduleOrigin.API, lambda _: new)
    return spec


def fire_once(db: Database) -> int:
    with db.transaction() as connection:
        connection.execute(update(table).values(next_at=later(-1.0)))
    return fire(db, "ada", "s", lambda kept, job_id: job_at(kept, NOTHING_ANNOUNCED, DEFAULT_LIMITS, job_id=job_id))


def kept_spec(db: Database) -> ScheduleSpec:
    kept = schedules.find(db, "ada", "s")
    assert kept is not None
    return spec_of(kept)


@pytest.mark.parametrize(
    ("request_", "kind", "title", "runs"),
    [
        ({"report": REPORT}, "report", "sales", ["reports.generate", "reports.deliver"]),
        ({"email": EMAIL}, "email", "Güten Morgen 日本", ["mailer.send"]),
        ({"job": {"tasks": [{"name": "add", "run": "shop.suma"}]}}, "job", "s", ["shop.suma"]),
    ],
)
def test_a_request_is_kept_as_given_and_its_job_is_submitted(
    db: Database, request_: dict[str, Any], kind: str, title: str, runs: list[str]
) -> None:
    spec = save(db, **request_)
    assert kept_spec(db) == spec
    assert fire_once(db) == 1
    with db.read() as connection:
        job = connection.execute(select(jobs)).one()
        found = list(connection.execute(select(tasks.c.run).order_by(tasks.c.position)).scalars())
    assert (job.owner, job.kind, job.title, found) == ("ada", kind, title, runs)


def test_each_job_of_scheduled_certificates_refers_to_the_roster(db: Database) -> None:
    roster = stored()
    add_upload(db, roster)
    save(db, certificates={"files": [{"artifact": str(roster.id)}]})
    assert [fire_once(db), fire_once(db)] == [1, 1]
    with db.read() as connection:
        used = connection.execute(select(artifact_uses.c.artifact_id)).scalars().all()
    assert used == [roster.id, roster.id]


def test_a_roster_that_is_gone_is_reported_and_the_schedule_continues(db: Database) -> None:
    roster = stored()
    add_upload(db, roster)
    save(db, certificates={"files": [{"artifact": str(roster.id)}]})
    with db.transaction() as connection:
        connection.exec_driver_sql("UPDATE artifacts SET removed_at = created_at")
    assert fire_once(db) == 0
    kept = schedules.find(db, "ada", "s")
    assert kept is not None
    assert kept.problem == f"These files no longer exist: {roster.id}."
    assert kept.next_at is not None
