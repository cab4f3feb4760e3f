"""Queues: paused, resumed, purged; the order among what is due; the place of a job in its queue."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import update

from bureau.contracts.ids import new_id
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import now
from bureau.ledger.db.tables import tasks
from bureau.ledger.dispatch import queues
from bureau.ledger.dispatch.hints import reserve_due
from bureau.ledger.jobs.claim import claim
from bureau.ledger.jobs.submit import NewJob, NewTask, submit
from bureau.ledger.reads import job_queries
from bureau.ledger.reads.job_views import TaskView
from bureau.ledger.reads.queue_stats import survey

QUEUE = "press"


def job(db: Database, *, priority: int = 5, waited_minutes: int = 0) -> UUID:
    """A job of two tasks, the first ready for so many minutes."""
    first = NewTask(name="first", run="press.print", queue=QUEUE, input={})
    second = NewTask(name="second", run="press.print", queue=QUEUE, input={}, after=("first",))
    new = NewJob(new_id(), "ada", "job", "Leaflets", (first, second), priority=priority)
    submit(db, [new])
    with db.transaction() as connection:
        row = connection.execute(tasks.select().where(tasks.c.job_id == new.id, tasks.c.position == 0)).one()
        moved = row.due_at - timedelta(minutes=waited_minutes)
        connection.execute(update(tasks).where(tasks.c.id == row.id).values(due_at=moved))
    return new.id


def first_task(db: Database, job_id: UUID) -> TaskView:
    view = job_queries.job(db, job_id, "ada")
    assert view is not None
    return view.tasks[0]


def test_the_relay_takes_by_priority_and_a_step_of_it_is_worth_ten_minutes(db: Database) -> None:
    fresh = job(db, priority=9)
    patient = job(db, priority=0, waited_minutes=91)
    ordinary = job(db, priority=5, waited_minutes=39)
    late = job(db, priority=5, waited_minutes=41)
    order = [first_task(db, one).id for one in (patient, late, fresh, ordinary)]
    assert [hint.task_id for hint in reserve_due(db, QUEUE, 3).hints] == order[:3]
    assert [hint.task_id for hint in reserve_due(db, QUEUE, 4).hints] == order[3:]


def test_a_paused_queue_gets_no_hint_and_what_was_hinted_is_not_claimed(db: Database) -> None:
    one, other = job(db), job(db)
    (hinted,) = reserve_due(db, QUEUE, 1).hints
    queues.pause(db, QUEUE)
    queues.pause(db, QUEUE)
    assert claim(db, hinted.task_id, queue=QUEUE, worker="w") is None
    assert reserve_due(db, QUEUE, 10).hints == ()
    view = job_queries.job(db, other, "ada")
    assert view is not None
    assert view.waiting == {"reason": "queue_paused", "position": None, "starts_in_seconds": None}
    assert [row.paused_at is not None for row in survey(db)] == [True]
    assert {one, other} == set(queues.purgeable(db, QUEUE))


def test_a_resumed_queue_hints_all_that_is_due_again(db: Database) -> None:
    job(db), job(db)
    reserve_due(db, QUEUE, 1)
    queues.pause(db, QUEUE)
    queues.resume(db, QUEUE)
    assert len(reserve_due(db, QUEUE, 10).hints) == 2


def test_a_purge_cancels_what_has_not_started_and_ends_its_jobs(db: Database) -> None:
    waiting, running = job(db), job(db)
    task = first_task(db, running)
    assert claim(db, task.id, queue=QUEUE, worker="w") is not None
    counted = queues.purgeable(db, QUEUE)
    assert counted == {waiting: [first_task(db, waiting).id]}
    assert queues.purge(db, QUEUE, counted) == 1
    view = job_queries.job(db, waiting, "ada")
    assert view is not None
    assert (view.state, view.counts) == ("cancelled", {"cancelled": 1, "skipped": 1})
    assert view.error is not None
    assert view.error["code"] == "purged"
    assert first_task(db, running).state == "running"


def test_what_became_ready_between_count_and_purge_is_left(db: Database) -> None:
    one = job(db)
    counted = queues.purgeable(db, QUEUE)
    other = job(db)
    with db.transaction() as connection:
        connection.execute(update(tasks).where(tasks.c.position == 1).values(state="ready", upstream_open=0))
    assert queues.purge(db, QUEUE, counted) == 1
    assert first_task(db, one).state == "cancelled"
    assert first_task(db, other).state == "queued"
    assert set(queues.purgeable(db, QUEUE)) == {one, other}


def test_a_purge_leaves_tasks_that_were_claimed_since_the_count(db: Database) -> None:
    one = job(db)
    counted = queues.purgeable(db, QUEUE)
    assert claim(db, first_task(db, one).id, queue=QUEUE, worker="w") is not None
    assert queues.purge(db, QUEUE, counted) == 0
    assert first_task(db, one).state == "running"


def test_a_task_that_is_not_due_is_ahead_of_no_other(db: Database) -> None:
    one = job(db)
    with db.transaction() as connection:
        connection.execute(update(tasks).where(tasks.c.position == 0).values(due_at=now()))
    (queue,) = survey(db)
    assert (queue.queue, queue.due, queue.waiting, queue.served.workers) == (QUEUE, 1, 1, 0)
    assert first_task(db, one).state == "queued"
