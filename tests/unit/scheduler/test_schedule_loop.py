"""Tests that due schedules get jobs as their services announce them, and that the relay is woken."""

from uuid import UUID

import pytest
from sqlalchemy import select, update

from bureau.contracts.catalog import Catalog, ReportDescription, TaskDescription
from bureau.contracts.schedules.schedules import Misfire
from bureau.ledger.access.quotas import Quota
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import jobs, tasks
from bureau.ledger.db.tables import schedules as table
from bureau.ledger.schedules import schedules
from bureau.ledger.schedules.schedules import NewSchedule, Schedule, ScheduleOrigin
from bureau.ledger.schedules.ticks import Timing
from bureau.services.scheduler.schedules import CHECK_SECONDS, Schedules
from bureau.submission.requests.limits import RequestLimits
from tests.unit.scheduler.conftest import Place

JOB = {"tags": ["daily"], "tasks": [{"name": "add", "run": "shop.suma", "input": {"a": 2, "b": 2}}]}


class Wakes:
    """A relay that counts how often it was woken."""

    woken = 0

    def wake(self) -> None:
        self.woken += 1


def due(place: Place, job: object = JOB, seconds: float = 1.0, owner: str = "ada") -> None:
    new = NewSchedule(owner, "s", Timing(None, 3600, "UTC"), job, True, Misfire.ALL, ScheduleOrigin.API)  # type: ignore[arg-type]
    schedules.save(place.db, owner, "s", ScheduleOrigin.API, lambda _: new)
    with place.db.transaction() as connection:
        connection.execute(update(table).values(next_at=later(-seconds)))


def kept(place: Place) -> Schedule:
    found = schedules.find(place.db, "ada", "s")
    assert found is not None
    return found


def test_a_job_is_made_from_the_current_announcement(place: Place) -> None:
    place.announce()
    due(place)
    relay = Wakes()
    assert Schedules(place.db, place.announcements, relay.wake).step() == 0.0
    with place.db.read() as connection:
        job = connection.execute(select(jobs)).one()
        task = connection.execute(select(tasks)).one()
    assert (job.owner, job.kind, job.title, job.tags) == ("ada", "job", "s", ["daily"])
    assert (task.queue, task.time_limit_seconds, task.input) == ("shop", 600, {"a": 2, "b": 2})
    assert (kept(place).last_job_id, relay.woken) == (job.id, 1)


def test_without_due_schedules_no_job_is_made(place: Place) -> None:
    relay = Wakes()
    assert Schedules(place.db, place.announcements, relay.wake).step() == CHECK_SECONDS
    assert relay.woken == 0


def test_a_service_that_is_down_does_not_stop_its_schedules(place: Place) -> None:
    due(place)
    Schedules(place.db, place.announcements, Wakes().wake).step()
    with place.db.read() as connection:
        assert connection.execute(select(tasks.c.queue)).scalar_one() == "shop"


def test_a_job_of_another_version_is_reported_and_the_schedule_continues(place: Place) -> None:
    place.announce()
    due(place, {"tasks": [{"name": "add", "run": "shop.suma", "colour": "red"}]})
    assert Schedules(place.db, place.announcements, Wakes().wake).step() == CHECK_SECONDS
    found = kept(place)
    assert "written by another version" in str(found.problem)
    assert found.next_at is not None
    assert found.next_at > found.updated_at


def test_missed_ticks_are_caught_up_without_pauses(place: Place) -> None:
    place.announce()
    due(place, seconds=2.5 * 3600)
    loop = Schedules(place.db, place.announcements, Wakes().wake)
    assert [loop.step(), loop.step()] == [0.0, CHECK_SECONDS]
    with place.db.read() as connection:
        ids: list[UUID] = list(connection.execute(select(jobs.c.id)).scalars())
    assert len(ids) == 3


def test_quotas_apply_to_owners_with_keys_as_in_the_gateway(place: Place) -> None:
    place.announce()
    for owner in ("ada", "local"):
        due(place, seconds=2.5 * 3600, owner=owner)
    Schedules(place.db, place.announcements, Wakes().wake, Quota(open_jobs=1)).step()
    with place.db.read() as connection:
        owners = sorted(connection.execute(select(jobs.c.owner)).scalars())
    assert owners == ["ada", "local", "local", "local"]
    assert "QUOTA_OPEN_JOBS allows 1" in str(kept(place).problem)


REPORT = {"report": {"report": "sales", "params": {"limit": 20}, "email_to": ["cfo@example.com"]}}


def sales(most: int, name: str = "sales") -> Catalog:
    schema = {"type": "object", "properties": {"limit": {"type": "integer", "maximum": most}}}
    generate = TaskDescription(name="reports.generate", queue="reports", input_schema={}, result_schema={})
    return Catalog(
        tasks=[generate],
        reports=[ReportDescription(name=name, title="Sales", source="shop", params_schema=schema)],
    )


def test_a_scheduled_report_becomes_the_job_of_its_submission(place: Place) -> None:
    place.announce_catalog("reports", sales(most=20))
    due(place, REPORT)
    assert Schedules(place.db, place.announcements, Wakes().wake).step() == 0.0
    with place.db.read() as connection:
        job = connection.execute(select(jobs)).one()
        names = list(connection.execute(select(tasks.c.name).order_by(tasks.c.position)).scalars())
    assert (job.owner, job.kind, job.title, names) == ("ada", "report", "Sales", ["generate", "mail"])


@pytest.mark.parametrize(
    ("catalog", "told"),
    [
        (sales(most=10), "report/params/limit: 20 is greater than the maximum of 10"),
        (sales(most=20, name="sale"), "report/report: Report sales not found; known: sale."),
    ],
)
def test_a_report_that_changed_is_reported_and_the_schedule_continues(
    place: Place, catalog: Catalog, told: str
) -> None:
    place.announce_catalog("reports", catalog)
    due(place, REPORT)
    assert Schedules(place.db, place.announcements, Wakes().wake).step() == CHECK_SECONDS
    found = kept(place)
    assert told in str(found.problem)
    assert found.next_at is not None
    assert found.next_at > found.updated_at
    with place.db.read() as connection:
        assert connection.execute(select(jobs.c.id)).all() == []


def test_a_task_whose_input_changed_is_reported(place: Place) -> None:
    place.announce()
    due(place, {"tasks": [{"name": "add", "run": "shop.suma", "input": {"a": 2, "c": 2}}]})
    Schedules(place.db, place.announcements, Wakes().wake).step()
    assert "job/tasks/0/input/b: b is required" in str(kept(place).problem)


def test_limits_that_were_lowered_are_reported(place: Place) -> None:
    place.announce()
    due(place, {"email": {"to": ["ada@example.com", "bob@example.org"], "subject": "Hello", "text": "It works."}})
    limits = RequestLimits(max_recipients=1, recipient_domains="example.com")
    Schedules(place.db, place.announcements, Wakes().wake, limits=limits).step()
    told = str(kept(place).problem)
    assert "email/to: RECIPIENT_DOMAINS allows mail to example.com only, not to bob@example.org" in told
    assert "email/to: 2 recipients; MAX_RECIPIENTS allows 1" in told


def test_a_report_whose_service_is_away_waits_for_it_unless_it_is_a_burst(place: Place) -> None:
    due(place, REPORT)
    Schedules(place.db, place.announcements, Wakes().wake).step()
    with place.db.read() as connection:
        assert connection.execute(select(jobs.c.title)).scalar_one() == "sales"
    due(place, {"report": {"report": "sales", "burst": {"parameter": "r", "recipients": {"n": ["n@example.com"]}}}})
    Schedules(place.db, place.announcements, Wakes().wake).step()
    assert "report/report: No reports service has announced itself yet" in str(kept(place).problem)
