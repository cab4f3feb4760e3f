"""Schedules in the ledger: kept, changed, and each tick's job submitted once, however many schedulers look."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from bureau.contracts.schedules.schedules import Misfire
from bureau.ledger.access.quotas import Quota
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import jobs
from bureau.ledger.db.tables import schedules as table
from bureau.ledger.files.artifacts import ArtifactGone
from bureau.ledger.jobs.outcome import Succeeded
from bureau.ledger.jobs.submit import NewJob
from bureau.ledger.schedules import schedules
from bureau.ledger.schedules.firing import Build, due, fire, tick_id
from bureau.ledger.schedules.schedules import NewSchedule, OtherOrigin, Schedule, ScheduleOrigin
from bureau.ledger.schedules.ticks import Timing
from tests.support.ledger.book import Book, add_upload, stored, task
from tests.support.together import together

HOURLY = Timing(None, 3600, "UTC")
JOB = {"tasks": [{"name": "only", "run": "shop.work"}]}


def hourly(name: str = "hourly", owner: str = "ada", **more: Any) -> NewSchedule:
    given: dict[str, Any] = {"timing": HOURLY, "job": JOB, "enabled": True, "misfire": Misfire.ONCE, **more}
    return NewSchedule(owner=owner, name=name, source=given.pop("source", ScheduleOrigin.API), **given)


def save(db: Database, new: NewSchedule) -> Schedule:
    schedules.save(db, new.owner, new.name, new.source, lambda _: new)
    kept = schedules.find(db, new.owner, new.name)
    assert kept is not None
    return kept


def let_pass(db: Database, seconds: float, name: str = "hourly") -> datetime:
    """The next tick, moved so that it was `seconds` ago."""
    with db.transaction() as connection:
        moved = connection.execute(
            update(table).where(table.c.name == name).values(next_at=later(-seconds)).returning(table.c.next_at)
        )
        tick = moved.scalar_one()
    assert isinstance(tick, datetime)
    return tick


def build(schedule: Schedule, job_id: UUID, **more: Any) -> NewJob:
    return NewJob(job_id, schedule.owner, "job", schedule.name, (task(),), **more)


def builds(**more: Any) -> Build:
    return lambda schedule, job_id: build(schedule, job_id, **more)


def fire_due(db: Database, build: Build) -> int:
    """One look of a scheduler; how many jobs."""
    return sum(fire(db, owner, name, build) for owner, name in due(db))


def job_ids(db: Database) -> list[UUID]:
    with db.read() as connection:
        return list(connection.execute(select(jobs.c.id).order_by(jobs.c.id)).scalars())


def test_a_schedule_is_kept_as_it_was_given(db: Database) -> None:
    new = hourly(timing=Timing("0 7 * * 1-5", None, "Europe/Paris"), misfire=Misfire.ALL)
    kept = save(db, new)
    assert (kept.timing, kept.job, kept.misfire, kept.source) == (new.timing, JOB, Misfire.ALL, ScheduleOrigin.API)
    assert (kept.last_job_id, kept.problem) == (None, None)
    assert kept.next_at is not None
    assert kept.next_at > kept.created_at == kept.updated_at


def test_whether_it_is_new_is_told(db: Database) -> None:
    assert schedules.save(db, "ada", "hourly", ScheduleOrigin.API, lambda _: hourly())
    assert not schedules.save(db, "ada", "hourly", ScheduleOrigin.API, lambda _: hourly())


def test_saving_it_again_does_not_move_its_times(db: Database) -> None:
    first = save(db, hourly())
    let_pass(db, -100)
    kept = save(db, hourly(job={"tasks": [{"name": "other", "run": "shop.work"}]}))
    assert kept.created_at == first.created_at
    assert kept.next_at is not None
    assert kept.next_at < first.created_at + timedelta(seconds=200)


def test_other_times_begin_anew(db: Database) -> None:
    save(db, hourly())
    let_pass(db, 100)
    kept = save(db, hourly(timing=Timing(None, 60, "UTC")))
    assert kept.next_at is not None
    assert 58 <= (kept.next_at - kept.updated_at).total_seconds() <= 60


def test_a_disabled_one_has_no_next_tick_and_begins_anew_when_enabled(db: Database) -> None:
    save(db, hourly())
    let_pass(db, 100)
    assert save(db, hourly(enabled=False)).next_at is None
    assert fire_due(db, build) == 0
    kept = save(db, hourly())
    assert kept.next_at is not None
    assert kept.next_at > kept.updated_at


def test_schedules_belong_to_their_owner_and_are_listed_by_name(db: Database) -> None:
    for name, owner in (("b", "ada"), ("a", "ada"), ("c", "ada"), ("a", "bob")):
        save(db, hourly(name, owner))
    assert [one.name for one in schedules.listed(db, "ada", after="", limit=2)] == ["a", "b"]
    assert [one.name for one in schedules.listed(db, "ada", after="b", limit=2)] == ["c"]
    assert schedules.find(db, "bob", "b") is None
    assert not schedules.delete_schedule(db, "bob", "b", ScheduleOrigin.API)
    assert schedules.delete_schedule(db, "ada", "b", ScheduleOrigin.API)
    assert schedules.find(db, "ada", "b") is None


def test_a_schedule_of_another_origin_is_not_changed(db: Database) -> None:
    save(db, hourly("filed", source=ScheduleOrigin.FILE))
    save(db, hourly("put"))
    for name, source in (("filed", ScheduleOrigin.API), ("put", ScheduleOrigin.FILE)):
        with pytest.raises(OtherOrigin):
            schedules.save(db, "ada", name, source, lambda _, mine=source, called=name: hourly(called, source=mine))  # type: ignore[misc]
        with pytest.raises(OtherOrigin):
            schedules.delete_schedule(db, "ada", name, source)
    assert schedules.from_files(db) == [("ada", "filed")]


def test_a_tick_that_has_come_gets_a_job_with_an_id_that_follows_from_it(db: Database) -> None:
    save(db, hourly())
    tick = let_pass(db, 5)
    assert fire_due(db, build) == 1
    assert job_ids(db) == [tick_id("ada", "hourly", tick)]
    kept = schedules.find(db, "ada", "hourly")
    assert kept is not None
    assert (kept.next_at, kept.last_job_id) == (tick + timedelta(hours=1), job_ids(db)[0])
    assert fire_due(db, build) == 0


def test_a_tick_that_comes_again_finds_its_job_there(db: Database) -> None:
    save(db, hourly())
    tick = let_pass(db, 5)
    fire_due(db, build)
    with db.transaction() as connection:  # as if the clock had been set back and the schedule saved anew
        connection.execute(update(table).values(next_at=tick))
    assert fire_due(db, build) == 0
    assert len(job_ids(db)) == 1


@pytest.mark.parametrize(("misfire", "count"), [(Misfire.SKIP, 0), (Misfire.ONCE, 1), (Misfire.ALL, 5)])
def test_ticks_missed_while_no_scheduler_ran_go_by_the_policy(db: Database, misfire: Misfire, count: int) -> None:
    save(db, hourly(misfire=misfire))
    tick = let_pass(db, 4 * 3600 + 600)
    assert fire_due(db, build) == count
    kept = schedules.find(db, "ada", "hourly")
    assert kept is not None
    assert kept.next_at == tick + timedelta(hours=5)


def test_many_missed_ticks_come_in_batches_until_none_is_left(db: Database) -> None:
    save(db, hourly(misfire=Misfire.ALL, timing=Timing(None, 60, "UTC")))
    let_pass(db, 250 * 60 + 30)
    assert [fire_due(db, build) for _ in range(4)] == [100, 100, 51, 0]
    assert len(job_ids(db)) == 251


def test_however_many_schedulers_look_each_tick_gets_its_job_once(db: Database) -> None:
    names = [f"s{number}" for number in range(10)]
    for name in names:
        save(db, hourly(name, misfire=Misfire.ALL))
        let_pass(db, 3 * 3600 + 5, name)
    fired = together(4, lambda _: sum(fire_due(db, build) for _ in range(4)))
    assert sum(fired) == 40
    assert len(job_ids(db)) == 40


def test_a_crash_before_the_commit_leaves_the_tick_to_another(db: Database) -> None:
    def crash(schedule: Schedule, job_id: UUID) -> NewJob:
        raise KeyboardInterrupt

    save(db, hourly())
    let_pass(db, 5)
    with pytest.raises(KeyboardInterrupt):
        fire_due(db, crash)
    assert job_ids(db) == []
    assert fire_due(db, build) == 1


def test_a_job_that_cannot_be_made_is_told_and_the_next_tick_tries_again(db: Database) -> None:
    def cannot(schedule: Schedule, job_id: UUID) -> NewJob:
        raise ValueError("the job is of a newer version")

    save(db, hourly())
    let_pass(db, 5)
    assert fire_due(db, cannot) == 0
    kept = schedules.find(db, "ada", "hourly")
    assert kept is not None
    assert (kept.problem, kept.last_job_id) == ("the job is of a newer version", None)
    let_pass(db, 5)
    fire_due(db, build)
    kept = schedules.find(db, "ada", "hourly")
    assert kept is not None
    assert (kept.problem, kept.problem_at) == (None, None)


def test_one_schedule_in_trouble_does_not_hold_up_the_others(db: Database) -> None:
    gone = stored()
    for name in ("a", "b"):
        save(db, hourly(name))
        let_pass(db, 5, name)
    makes: dict[str, Callable[..., NewJob]] = {"a": builds(uses=(gone.id,)), "b": builds()}
    assert fire_due(db, lambda schedule, job_id: makes[schedule.name](schedule, job_id)) == 1
    troubled = schedules.find(db, "ada", "a")
    assert troubled is not None
    assert troubled.problem == f"These files no longer exist: {gone.id}."
    assert job_ids(db) == [schedules.find(db, "ada", "b").last_job_id]  # type: ignore[union-attr]


def test_a_file_of_nobody_is_not_taken(db: Database) -> None:
    theirs = stored(owner="bob")
    add_upload(db, theirs)
    with pytest.raises(ArtifactGone):
        schedules.save(db, "ada", "hourly", ScheduleOrigin.API, lambda _: hourly(uses=(theirs.id,)))
    assert schedules.find(db, "ada", "hourly") is None


def test_a_file_that_a_schedule_refers_to_outlives_the_job_that_would_remove_it(db: Database) -> None:
    book, roster = Book(db), stored()
    add_upload(db, roster)
    save(db, hourly(uses=(roster.id,)))
    for _ in range(2):
        let_pass(db, 5)
        fire_due(db, builds(uses=(roster.id,)))
        job_id = schedules.find(db, "ada", "hourly").last_job_id  # type: ignore[union-attr]
        assert job_id is not None
        book.run(job_id, ending=Succeeded(None, removed=[roster.id]))
    save(db, hourly())  # refers to it no more
    book.run(book.submit(uses=(roster.id,)), ending=Succeeded(None, removed=[]))
    with db.read() as connection:
        assert connection.execute(select(func.count()).select_from(jobs)).scalar_one() == 3


def test_ids_of_ticks_grow_with_time_and_differ_by_owner_name_and_tick() -> None:
    noon = datetime(2026, 5, 4, 12, tzinfo=UTC)
    ids = [tick_id("ada", "a", noon + timedelta(seconds=second)) for second in range(3)]
    assert ids == sorted(ids)
    assert tick_id("ada", "a", noon) == ids[0]
    assert ids[0].version == 8
    assert len({ids[0], tick_id("ada", "b", noon), tick_id("bob", "a", noon), tick_id("adaa", "", noon)}) == 4


def test_a_tick_that_the_owners_quota_refuses_is_told_and_the_next_may_have_its_job(db: Database) -> None:
    book, quota = Book(db), Quota(open_jobs=1)
    other = book.submit()
    save(db, hourly())
    let_pass(db, 10)
    assert [fire(db, owner, name, build, quota) for owner, name in due(db)] == [0]
    kept = schedules.find(db, "ada", "hourly")
    assert kept is not None
    assert kept.problem == "ada has 1 jobs that have not ended; QUOTA_OPEN_JOBS allows 1."
    assert (kept.last_job_id, job_ids(db)) == (None, [other])
    book.run(other)
    let_pass(db, 10)
    assert [fire(db, owner, name, build, quota) for owner, name in due(db)] == [1]
    kept = schedules.find(db, "ada", "hourly")
    assert kept is not None
    assert kept.problem is None
    assert {kept.last_job_id, other} == set(job_ids(db))


def test_a_quota_admits_as_many_simultaneous_ticks_as_fit(db: Database) -> None:
    save(db, hourly(misfire=Misfire.ALL))
    let_pass(db, 4.5 * 3600)
    assert [fire(db, owner, name, build, Quota(open_jobs=3)) for owner, name in due(db)] == [3]
    kept = schedules.find(db, "ada", "hourly")
    assert kept is not None
    assert "QUOTA_OPEN_JOBS allows 3" in str(kept.problem)
