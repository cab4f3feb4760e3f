"""Slots: so many running tasks at a time, over all processes, and none is lost with whoever held it."""

from uuid import UUID

from bureau.ledger.db.database import Database
from bureau.ledger.dispatch import concurrency_slots
from bureau.ledger.jobs.claim import Claim
from tests.support.ledger.book import Book, again, failed, task
from tests.support.together import together


def take(db: Database, claimed: Claim, name: str = "source.shop", at_a_time: int = 2) -> bool:
    return concurrency_slots.take(db, name, at_a_time, task_id=claimed.task_id, claim_no=claimed.claim_no)


def running(book: Book, count: int) -> tuple[UUID, list[Claim]]:
    job_id = book.submit(*(task(f"t{n}") for n in range(count)))
    return job_id, [book.take(job_id, f"t{n}") for n in range(count)]


def test_so_many_have_a_slot_and_no_more(book: Book) -> None:
    _, claims = running(book, 3)
    assert [take(book.db, claimed) for claimed in claims] == [True, True, False]
    assert take(book.db, claims[2], name="source.other")  # each name has its own


def test_concurrent_requests_get_no_more_slots_than_there_are(book: Book) -> None:
    _, claims = running(book, 12)
    assert sum(together(12, lambda n: take(book.db, claims[n], at_a_time=5))) == 5


def test_a_slot_given_back_is_there_for_the_next(book: Book) -> None:
    _, (first, second) = running(book, 2)
    assert take(book.db, first, at_a_time=1)
    assert not take(book.db, second, at_a_time=1)
    concurrency_slots.give_back(book.db, "source.shop", task_id=first.task_id, claim_no=first.claim_no)
    assert take(book.db, second, at_a_time=1)


def test_a_slot_is_free_when_its_claim_has_ended_whatever_its_holder_did(book: Book) -> None:
    _, claims = running(book, 4)
    for claimed, ending in ((claims[0], None), (claims[1], failed()), (claims[2], again(60))):
        assert take(book.db, claimed, at_a_time=1)
        book.finish(claimed, ending)
    assert take(book.db, claims[3], at_a_time=1)


def test_a_worker_that_died_holds_its_slot_as_long_as_its_lease(book: Book) -> None:
    _, (other,) = running(book, 1)
    job_id = book.submit()
    lost = book.take(job_id)
    assert take(book.db, lost, at_a_time=1)
    assert not take(book.db, other, at_a_time=1)
    book.expire(lost.task_id)
    assert take(book.db, other, at_a_time=1)


def test_a_claim_that_was_replaced_takes_nothing_from_the_one_that_came_after(book: Book) -> None:
    job_id = book.submit()
    lost = book.lose(job_id)
    book.make_due(lost.task_id)
    present = book.take(job_id)
    assert take(book.db, present, at_a_time=1)
    concurrency_slots.give_back(book.db, "source.shop", task_id=lost.task_id, claim_no=lost.claim_no)
    _, (other,) = running(book, 1)
    assert not take(book.db, other, at_a_time=1)
