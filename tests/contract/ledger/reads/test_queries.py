"""Reading one job: states in the API's words, counts, progress, attempts, artifacts; never another owner's."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from bureau.contracts.catalog import Catalog
from bureau.contracts.ids import new_id
from bureau.ledger.dispatch import workers
from bureau.ledger.dispatch.hints import reserve_due
from bureau.ledger.dispatch.workers import NewWorker
from bureau.ledger.jobs import cancel
from bureau.ledger.jobs.outcome import Succeeded
from bureau.ledger.reads import job_queries
from bureau.ledger.reads.job_views import JobView
from tests.support.ledger.book import BROKEN, Book, again, attempts_at_most, failed, stored, task


def view(book: Book, job_id: UUID) -> JobView:
    found = job_queries.job(book.db, job_id, "ada")
    assert found is not None
    return found


def states(book: Book, job_id: UUID) -> tuple[str, dict[str, str]]:
    found = view(book, job_id)
    return found.state, {one.name: one.state for one in found.tasks}


def a_live_worker(book: Book, queue: str = "shop") -> None:
    workers.register(
        book.db,
        NewWorker(
            id=f"{queue}-1", service=queue, queue=queue, version="1", host="h", pid=1, threads=1, catalog=Catalog()
        ),
    )


def test_another_owners_job_is_not_there(book: Book) -> None:
    job_id = book.submit(owner="bob")
    assert job_queries.job(book.db, job_id, "ada") is None
    assert job_queries.tasks_of(book.db, job_id, "ada", after_position=-1, limit=10) is None
    assert job_queries.job(book.db, new_id(), "ada") is None


def test_states_are_said_in_the_apis_words(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"))
    assert states(book, job_id) == ("queued", {"a": "queued", "b": "waiting"})
    claimed = book.take(job_id, "a")
    assert states(book, job_id) == ("running", {"a": "running", "b": "waiting"})
    book.finish(claimed, again(3600))
    assert states(book, job_id) == ("running", {"a": "retrying", "b": "waiting"})
    book.make_due(claimed.task_id)
    assert states(book, job_id) == ("running", {"a": "queued", "b": "waiting"})
    book.run(job_id, "a", failed())
    assert states(book, job_id) == ("failed", {"a": "failed", "b": "skipped"})


def test_a_job_that_is_not_due_is_scheduled(book: Book) -> None:
    job_id = book.submit(run_at=datetime(2199, 1, 1, tzinfo=UTC))
    assert states(book, job_id) == ("scheduled", {"only": "scheduled"})
    assert view(book, job_id).run_at == view(book, job_id).tasks[0].due_at == datetime(2199, 1, 1, tzinfo=UTC)


def test_a_job_asked_to_stop_shows_since_when(book: Book) -> None:
    job_id = book.submit()
    book.take(job_id)
    cancel.cancel(book.db, job_id, "ada")
    assert view(book, job_id).state == "running"
    assert view(book, job_id).cancel_requested_at is not None


def test_the_whole_of_a_job_is_told(book: Book) -> None:
    job_id = book.submit(task("a", input={"n": 1}), title="Title", tags=("x",), priority=7, kind="report")
    claimed = book.take(job_id, "a", worker="w-1")
    made = stored(job_id=job_id, task_name="a")
    book.finish(claimed, Succeeded({"rows": 3}, {"current": 1, "total": 2, "note": "rows"}, made=[made]))
    found = view(book, job_id)
    assert (found.id, found.kind, found.title, found.tags, found.priority) == (job_id, "report", "Title", ["x"], 7)
    assert (found.state, found.counts, found.waiting, found.error) == ("succeeded", {"succeeded": 1}, None, None)
    assert found.progress == {"current": 1, "total": 2, "percent": 50.0, "note": "rows"}
    assert [artifact.id for artifact in found.artifacts] == [made.id]
    (shown,) = found.tasks
    assert (shown.name, shown.run, shown.queue, shown.input, shown.result) == (
        *("a", "shop.work", "shop"),
        *({"n": 1}, {"rows": 3}),
    )
    assert (shown.attempt, shown.max_attempts, shown.due_at, shown.worker) == (1, 8, None, "w-1")
    assert found.started_at == shown.started_at
    assert found.finished_at is not None


def test_when_a_task_was_hinted_is_told(book: Book) -> None:
    job_id = book.submit()
    assert view(book, job_id).tasks[0].hinted_at is None
    (hint,) = reserve_due(book.db, "shop", 1).hints
    assert view(book, job_id).tasks[0].hinted_at == hint.stamp


def test_attempts_are_told_in_order_with_the_one_that_runs(book: Book) -> None:
    job_id = book.submit()
    book.run(job_id, ending=again())
    book.lose(job_id)
    book.take(job_id, worker="w-3")
    shown = view(book, job_id).tasks[0]
    assert [(a["number"], a["outcome"]) for a in shown.attempts] == [(1, "retry"), (2, "crashed"), (3, "running")]
    assert shown.attempts[0]["error"] == BROKEN
    assert (shown.attempts[2]["worker"], shown.attempts[2]["ended_at"]) == ("w-3", None)


def test_the_number_of_the_attempt_counts_failures_to_the_last(book: Book) -> None:
    def attempt(job_id: UUID) -> int:
        return view(book, job_id).tasks[0].attempt

    job_id = book.submit(attempts_at_most(3))
    assert attempt(job_id) == 0
    book.run(job_id, ending=again())
    book.run(job_id, ending=again())
    claimed = book.take(job_id)
    assert attempt(job_id) == 3
    book.finish(claimed, failed())
    assert attempt(job_id) == 3


def test_the_first_hundred_tasks_are_inline_and_all_can_be_paged(book: Book) -> None:
    job_id = book.submit(*(task(f"t{n:03}") for n in range(120)))
    found = view(book, job_id)
    assert len(found.tasks) == 100
    assert found.counts == {"queued": 120}
    pages: list[str] = []
    after = -1
    while page := job_queries.tasks_of(book.db, job_id, "ada", after_position=after, limit=50):
        pages += [one.name for one in page]
        after = page[-1].position
    assert pages == [f"t{n:03}" for n in range(120)]


def test_a_job_of_many_tasks_shows_how_many_have_ended(book: Book) -> None:
    job_id = book.submit(*(task(f"t{n}") for n in range(4)))
    assert view(book, job_id).progress is None
    book.run(job_id, "t0")
    assert view(book, job_id).progress == {"current": 1, "total": 4, "percent": 25.0, "note": "tasks"}


def waiting(book: Book, job_id: UUID) -> dict[str, Any] | None:
    return view(book, job_id).waiting


def test_why_a_job_waits_is_told(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"))
    assert waiting(book, job_id) == {"reason": "no_worker", "position": None, "starts_in_seconds": None}
    a_live_worker(book)
    assert waiting(book, job_id) == {"reason": "behind", "position": 1, "starts_in_seconds": None}
    claimed = book.take(job_id, "a")
    assert waiting(book, job_id) is None
    book.finish(claimed, again(60))
    told = waiting(book, job_id)
    assert told is not None
    assert told["reason"] == "retrying"
    assert 55 < told["starts_in_seconds"] <= 60


def test_a_job_waits_for_a_task_that_is_not_inline_too(book: Book) -> None:
    names = [f"t{number}" for number in range(job_queries.INLINE_TASKS)]
    job_id = book.submit(task("first"), *(task(name, "last") for name in names), task("last", "first"))
    book.run(job_id, "first")
    assert "last" not in {one.name for one in view(book, job_id).tasks}
    told = waiting(book, job_id)
    assert told is not None
    assert told["reason"] == "no_worker"


def test_a_scheduled_job_tells_when_it_starts(book: Book) -> None:
    job_id = book.submit(run_at=datetime.now(UTC) + timedelta(minutes=2))
    told = waiting(book, job_id)
    assert told is not None
    assert told["reason"] == "not_due"
    assert 110 < told["starts_in_seconds"] <= 120


def test_an_ended_job_waits_for_nothing(book: Book) -> None:
    job_id = book.submit()
    book.run(job_id)
    assert waiting(book, job_id) is None


def test_whether_a_job_has_ended_is_cheap_to_ask(book: Book) -> None:
    job_id = book.submit()
    assert not job_queries.ended(book.db, job_id)
    book.run(job_id)
    assert job_queries.ended(book.db, job_id)
    assert job_queries.ended(book.db, new_id())
