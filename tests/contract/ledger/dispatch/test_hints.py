"""Hints: which tasks get a message now, how many, in what order, and when a message counts as lost."""

from uuid import UUID

import pytest

from bureau.ledger.db.sql_time import later
from bureau.ledger.dispatch.hints import Hint, due_queues, forget_all, requeue_lost, reserve_due, unreserve
from tests.support.ledger.book import Book, again, task
from tests.support.together import together


def hinted(book: Book, job_id: UUID) -> dict[str, int]:
    """The tasks with a stamp, and how often they were hinted."""
    return {row.name: row.hints for row in book.tasks(job_id) if row.hinted_at is not None}


def test_a_due_task_is_stamped_and_named_with_its_actor(book: Book) -> None:
    job_id = book.submit(task("a", run="shop.suma"))
    (hint,) = reserve_due(book.db, "shop", 10).hints
    row = book.task(job_id, "a")
    assert hint == Hint(row.id, "shop.suma", row.hinted_at)
    assert row.hints == 1


def test_a_task_is_hinted_once(book: Book) -> None:
    book.submit(task("a"), task("b"))
    assert len(reserve_due(book.db, "shop", 10).hints) == 2
    assert reserve_due(book.db, "shop", 10).hints == ()


def test_only_what_is_ready_and_due_in_this_queue_is_hinted(book: Book) -> None:
    job_id = book.submit(task("a"), task("waits", "a"), task("other", queue="mailer"), task("runs"))
    book.take(job_id, "runs")
    book.submit(delay_seconds=60)
    assert [hint.task_id for hint in reserve_due(book.db, "shop", 10).hints] == [book.task(job_id, "a").id]


def test_the_window_bounds_what_is_outstanding(book: Book) -> None:
    job_id = book.submit(*(task(f"t{n}") for n in range(5)))
    first = reserve_due(book.db, "shop", 2)
    assert (len(first.hints), first.more) == (2, True)
    assert (reserve_due(book.db, "shop", 2).hints, reserve_due(book.db, "shop", 0).hints) == ((), ())
    book.take(job_id, book_name(book, job_id, first.hints[0].task_id))
    assert len(reserve_due(book.db, "shop", 2).hints) == 1
    assert (len(reserve_due(book.db, "shop", 10).hints), reserve_due(book.db, "shop", 10).more) == (2, False)


def book_name(book: Book, job_id: UUID, task_id: UUID) -> str:
    return next(str(row.name) for row in book.tasks(job_id) if row.id == task_id)


def test_the_window_counts_this_queue_alone(book: Book) -> None:
    book.submit(task("a", queue="mailer"), task("b"), task("c"))
    assert len(reserve_due(book.db, "mailer", 1).hints) == 1
    assert len(reserve_due(book.db, "shop", 2).hints) == 2


def test_tasks_that_no_worker_has_take_no_room_from_the_others(book: Book) -> None:
    book.submit(*(task(f"t{n}", run="shop.gone") for n in range(5)))
    job_id = book.submit(task("served", run="shop.work"))
    assert len(reserve_due(book.db, "shop", 2).hints) == 2, "hinted while a worker had them"
    batch = reserve_due(book.db, "shop", 2, {"shop.work"})
    assert ([hint.task_id for hint in batch.hints], batch.more) == ([book.task(job_id, "served").id], False)
    assert reserve_due(book.db, "shop", 9, set()).hints == ()


def test_higher_priorities_come_first_then_what_was_due_first(book: Book) -> None:
    low, old, new, high = (book.submit(priority=priority) for priority in (0, 5, 5, 9))
    book.set(book.task(new).id, due_at=later(-10))
    book.set(book.task(old).id, due_at=later(-20))
    first = reserve_due(book.db, "shop", 3)
    assert [hint.task_id for hint in first.hints] == [book.task(job_id).id for job_id in (high, old, new)]
    assert [hint.task_id for hint in reserve_due(book.db, "shop", 4).hints] == [book.task(low).id]


def test_several_relays_hint_each_task_once(book: Book) -> None:
    job_id = book.submit(*(task(f"t{n}") for n in range(40)))
    batches = together(4, lambda _: reserve_due(book.db, "shop", 25).hints)
    assert sorted(len(batch) for batch in batches) == [0, 0, 0, 25]
    assert set(hinted(book, job_id).values()) == {1}


def test_publishing_that_failed_is_taken_back(book: Book) -> None:
    job_id = book.submit(task("a"), task("b"))
    batch = reserve_due(book.db, "shop", 10)
    unreserve(book.db, batch.hints[1:])
    assert len(hinted(book, job_id)) == 1
    (again_hinted,) = reserve_due(book.db, "shop", 10).hints
    assert again_hinted.task_id == batch.hints[1].task_id
    assert set(hinted(book, job_id).values()) == {1}
    unreserve(book.db, [])


def test_only_ones_own_stamp_is_taken_back(book: Book) -> None:
    job_id = book.submit()
    (mine,) = reserve_due(book.db, "shop", 10).hints
    book.set(mine.task_id, hinted_at=later(-40))  # somebody else's, from another time
    unreserve(book.db, [mine])
    assert hinted(book, job_id) == {"only": 1}


def test_the_stamp_of_a_task_that_was_claimed_is_left_alone(book: Book) -> None:
    job_id = book.submit()
    batch = reserve_due(book.db, "shop", 10)
    book.take(job_id)
    unreserve(book.db, batch.hints)
    assert (book.task(job_id).state, book.task(job_id).hints) == ("running", 1)


@pytest.mark.parametrize(
    ("hints", "still", "lost"),
    [(1, 25, 35), (2, 55, 65), (3, 115, 125), (5, 475, 485), (7, 1915, 1925), (8, 3595, 3605), (30, 3595, 3605)],
)
def test_a_hint_counts_as_lost_after_a_time_that_doubles(book: Book, hints: int, still: float, lost: float) -> None:
    job_id = book.submit()
    task_id = book.task(job_id).id
    book.set(task_id, hinted_at=later(-still), hints=hints)
    assert requeue_lost(book.db, []) == 0
    book.set(task_id, hinted_at=later(-lost), hints=hints)
    assert requeue_lost(book.db, []) == 1
    assert (book.task(job_id).hinted_at, book.task(job_id).hints) == (None, hints)
    (hint,) = reserve_due(book.db, "shop", 10).hints
    assert hint.task_id == task_id
    assert book.task(job_id).hints == hints + 1


def test_in_an_empty_queue_with_a_worker_a_minute_is_enough(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", queue="mailer"))
    for name in ("a", "b"):
        book.set(book.task(job_id, name).id, hinted_at=later(-65), hints=6)
    assert requeue_lost(book.db, ["mailer", "reports"]) == 1
    assert hinted(book, job_id) == {"a": 6}
    book.set(book.task(job_id, "a").id, hinted_at=later(-55))
    assert requeue_lost(book.db, ["shop"]) == 0


def test_a_young_hint_is_never_lost_even_in_an_empty_queue(book: Book) -> None:
    job_id = book.submit()
    book.set(book.task(job_id).id, hinted_at=later(-25), hints=1)
    assert requeue_lost(book.db, ["shop"], empty_at_most_seconds=1) == 0


def test_running_and_ended_tasks_lose_no_hint(book: Book) -> None:
    running, ended = book.submit(), book.submit()
    reserve_due(book.db, "shop", 10)
    book.take(running)
    book.run(ended)
    for job_id in (running, ended):
        book.set(book.task(job_id).id, hinted_at=later(-4000))
    assert requeue_lost(book.db, ["shop"]) == 0


def test_a_task_that_is_ready_again_is_hinted_again(book: Book) -> None:
    job_id = book.submit()
    reserve_due(book.db, "shop", 10)
    book.run(job_id, ending=again())
    assert len(reserve_due(book.db, "shop", 10).hints) == 1
    assert hinted(book, job_id) == {"only": 1}


def test_a_dependent_that_became_ready_is_hinted(book: Book) -> None:
    job_id = book.submit(task("a"), task("b", "a"))
    reserve_due(book.db, "shop", 10)
    book.run(job_id, "a")
    assert [hint.task_id for hint in reserve_due(book.db, "shop", 10).hints] == [book.task(job_id, "b").id]


def test_an_embedded_start_forgets_all_hints(book: Book) -> None:
    job_id = book.submit(task("a"), task("b"))
    reserve_due(book.db, "shop", 10)
    book.take(job_id, "b")
    forget_all(book.db)
    assert [hint.task_id for hint in reserve_due(book.db, "shop", 10).hints] == [book.task(job_id, "a").id]


def test_a_look_says_which_queues_have_something_due_without_a_hint(book: Book) -> None:
    for priority in range(10):
        queue = f"q{priority}"
        book.submit(task("due", queue=queue), priority=priority)
        assert due_queues(book.db, ["shop", queue]) == [queue]
        reserve_due(book.db, queue, 1)
        assert due_queues(book.db, ["shop", queue]) == []
    book.submit(delay_seconds=60)
    book.submit(task("a"), task("b", "a"))
    assert due_queues(book.db, ["mailer", "shop"]) == ["shop"]
