"""Deliveries: a mail's intent is written before, its end after, each once."""

import pytest

from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import deliveries
from bureau.ledger.jobs import cancel
from bureau.ledger.jobs.claim import Claim
from bureau.ledger.mail.deliveries import (
    ClaimLost,
    DeliveryState,
    MailDelivery,
    OpenIntent,
    close_delivery,
    history,
    open_delivery,
)
from tests.support.book import Book, again
from tests.support.together import together

TO = ["ada@example.com", "bob@example.com"]


def opened(db: Database, claimed: Claim) -> MailDelivery:
    return open_delivery(
        db,
        task_id=claimed.task_id,
        claim_no=claimed.claim_no,
        message_id="<m@example.com>",
        transport="smtp",
        recipients=TO,
    )


def closed(db: Database, claimed: Claim, n: int, state: DeliveryState = DeliveryState.SENT) -> bool:
    return close_delivery(
        db, task_id=claimed.task_id, n=n, state=state, recipients=dict.fromkeys(TO, "sent"), response="250 OK"
    )


def test_an_intent_and_its_end_make_a_history(book: Book) -> None:
    claimed = book.take(book.submit())
    assert history(book.db, claimed.task_id) == []
    intent = opened(book.db, claimed)
    assert (intent.n, intent.state, intent.recipients) == (1, DeliveryState.OPEN, dict.fromkeys(TO, "open"))
    assert closed(book.db, claimed, 1)
    (kept,) = history(book.db, claimed.task_id)
    assert (kept.n, kept.message_id, kept.transport) == (1, "<m@example.com>", "smtp")
    assert (kept.state, kept.recipients, kept.response) == (DeliveryState.SENT, dict.fromkeys(TO, "sent"), "250 OK")
    assert 0 <= kept.age_seconds < 10


def test_an_open_intent_lets_nobody_else_begin(book: Book) -> None:
    job_id = book.submit()
    claimed = book.take(job_id)
    opened(book.db, claimed)
    book.end_lease(claimed.task_id)
    book.finish(claimed, again())
    with pytest.raises(OpenIntent) as found:
        opened(book.db, book.take(job_id))
    assert (found.value.delivery.n, found.value.delivery.message_id) == (1, "<m@example.com>")


def test_the_age_of_an_open_intent_is_the_databases(book: Book) -> None:
    claimed = book.take(book.submit())
    opened(book.db, claimed)
    with book.db.transaction() as connection:
        connection.execute(deliveries.update().values(opened_at=later(-200)))
    assert 199 < history(book.db, claimed.task_id)[0].age_seconds < 210


def test_after_an_end_the_next_try_is_numbered_on(book: Book) -> None:
    claimed = book.take(book.submit())
    for n in (1, 2, 3):
        assert opened(book.db, claimed).n == n
        assert closed(book.db, claimed, n, DeliveryState.REFUSED)
    assert [delivery.n for delivery in history(book.db, claimed.task_id)] == [1, 2, 3]


def test_who_lost_the_claim_begins_nothing(book: Book) -> None:
    job_id = book.submit()
    lost = book.lose(job_id)
    with pytest.raises(ClaimLost):
        opened(book.db, lost)
    mine = book.take(job_id)
    with pytest.raises(ClaimLost):
        opened(book.db, lost)
    assert opened(book.db, mine).n == 1


def test_who_was_asked_to_stop_begins_nothing(book: Book) -> None:
    job_id = book.submit()
    claimed = book.take(job_id)
    cancel.cancel(book.db, job_id, "ada")
    with pytest.raises(ClaimLost):
        opened(book.db, claimed)


def test_an_end_is_written_once_whoever_comes(book: Book) -> None:
    claimed = book.take(book.submit())
    opened(book.db, claimed)
    assert closed(book.db, claimed, 1)
    assert not closed(book.db, claimed, 1, DeliveryState.UNKNOWN)
    assert history(book.db, claimed.task_id)[0].state is DeliveryState.SENT
    assert not closed(book.db, claimed, 2)


def test_an_end_is_written_though_the_claim_was_lost(book: Book) -> None:
    job_id = book.submit()
    claimed = book.take(job_id)
    opened(book.db, claimed)
    book.end_lease(claimed.task_id)
    book.finish(claimed, again())
    assert closed(book.db, claimed, 1)


def test_of_two_that_begin_at_once_one_does(book: Book) -> None:
    for _ in range(15):
        claimed = book.take(book.submit())

        def begin(_: int, mine: Claim = claimed) -> str:
            try:
                return str(opened(book.db, mine).n)
            except OpenIntent:
                return "open"

        assert sorted(together(2, begin)) == ["1", "open"]


def test_of_two_ends_at_once_one_counts(book: Book) -> None:
    for _ in range(10):
        claimed = book.take(book.submit())
        opened(book.db, claimed)
        states = [DeliveryState.SENT, DeliveryState.UNKNOWN]
        ends = together(2, lambda n: closed(book.db, claimed, 1, states[n]))  # noqa: B023 - called at once
        assert sorted(ends) == [False, True]
        assert history(book.db, claimed.task_id)[0].state is states[ends.index(True)]
