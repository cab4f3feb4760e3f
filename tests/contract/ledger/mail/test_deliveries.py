"""Deliveries: a mail's intent is written before, its end after, each once."""

import pytest
from sqlalchemy import select

from bureau.contracts.mail.delivery import DeliveryEnd, DeliveryState
from bureau.ledger.access.audit import Act
from bureau.ledger.db.database import Database
from bureau.ledger.db.deferred import Deferred
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import deliveries, tasks
from bureau.ledger.jobs import cancel
from bureau.ledger.jobs.claim import Claim
from bureau.ledger.jobs.finish import ClaimOutcome, Finished, FinishResult, finish_batch
from bureau.ledger.jobs.outcome import Succeeded
from bureau.ledger.mail import suppressions
from bureau.ledger.mail.deliveries import (
    ClaimLost,
    Intent,
    MailDelivery,
    OpenIntent,
    SuppressedRecipients,
    close_delivery,
    history,
    open_batch,
    open_delivery,
)
from tests.support.ledger.book import Book, again
from tests.support.together import together

TO = ("ada@example.com", "bob@example.com")


def opened(db: Database, claimed: Claim) -> MailDelivery:
    return open_delivery(db, intent_of(claimed))


def intent_of(claimed: Claim, owner: str | None = None) -> Intent:
    return Intent(claimed.task_id, claimed.claim_no, "<m@example.com>", "smtp", TO, owner)


def closed(db: Database, claimed: Claim, n: int, state: DeliveryState = DeliveryState.SENT) -> bool:
    return close_delivery(db, end_of(claimed, n, state))


def end_of(claimed: Claim, n: int = 1, state: DeliveryState = DeliveryState.SENT) -> DeliveryEnd:
    return DeliveryEnd(claimed.task_id, n, state, dict.fromkeys(TO, "sent"), "250 OK", {TO[1]: "250 later"})


def test_an_intent_and_its_end_make_a_history(book: Book) -> None:
    claimed = book.take(book.submit())
    assert history(book.db, claimed.task_id) == []
    intent = opened(book.db, claimed)
    assert (intent.n, intent.state, intent.recipients) == (1, DeliveryState.OPEN, dict.fromkeys(TO, "open"))
    assert closed(book.db, claimed, 1)
    (kept,) = history(book.db, claimed.task_id)
    assert (kept.n, kept.message_id, kept.transport) == (1, "<m@example.com>", "smtp")
    assert (kept.state, kept.recipients, kept.response) == (DeliveryState.SENT, dict.fromkeys(TO, "sent"), "250 OK")
    assert kept.reasons == {TO[1]: "250 later"}
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


def test_a_worker_that_lost_its_claim_begins_no_delivery(book: Book) -> None:
    job_id = book.submit()
    lost = book.lose(job_id)
    with pytest.raises(ClaimLost):
        opened(book.db, lost)
    mine = book.take(job_id)
    with pytest.raises(ClaimLost):
        opened(book.db, lost)
    assert opened(book.db, mine).n == 1


def test_a_task_that_was_asked_to_stop_begins_no_delivery(book: Book) -> None:
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


def test_two_concurrent_deliveries_begin_once(book: Book) -> None:
    for _ in range(15):
        claimed = book.take(book.submit())

        def begin(_: int, mine: Claim = claimed) -> str:
            try:
                return str(opened(book.db, mine).n)
            except OpenIntent:
                return "open"

        assert sorted(together(2, begin)) == ["1", "open"]


def test_two_concurrent_ends_of_a_delivery_count_once(book: Book) -> None:
    for _ in range(10):
        claimed = book.take(book.submit())
        opened(book.db, claimed)
        states = [DeliveryState.SENT, DeliveryState.UNKNOWN]
        ends = together(2, lambda n: closed(book.db, claimed, 1, states[n]))  # noqa: B023 - called at once
        assert sorted(ends) == [False, True]
        assert history(book.db, claimed.task_id)[0].state is states[ends.index(True)]


def test_intents_of_several_claims_are_written_together_and_each_is_checked(book: Book) -> None:
    first, second = book.take(book.submit()), book.take(book.submit())
    lost = book.lose(book.submit())
    answers = open_batch(book.db, [intent_of(one) for one in (first, lost, second)])
    assert [type(answer) for answer in answers] == [MailDelivery, ClaimLost, MailDelivery]
    assert [len(history(book.db, one.task_id)) for one in (first, lost, second)] == [1, 0, 1]


def test_a_group_of_intents_passes_over_a_task_that_somebody_has_locked(postgres_db: Database) -> None:
    book = Book(postgres_db)
    locked, free = book.take(book.submit()), book.take(book.submit())
    with postgres_db.transaction() as other:
        other.execute(select(tasks.c.id).where(tasks.c.id == locked.task_id).with_for_update())
        answers = open_batch(postgres_db, [intent_of(locked), intent_of(free)])
    assert answers[0] is Deferred.LOCKED
    assert history(postgres_db, locked.task_id) == []
    assert [one.state for one in history(postgres_db, free.task_id)] == [DeliveryState.OPEN]


def test_no_intent_is_written_for_a_suppressed_recipient(book: Book) -> None:
    claimed = book.take(book.submit())
    suppressions.add(book.db, "ada", "BOB@example.com", None, Act("suppress", "ada", "local"))
    with pytest.raises(SuppressedRecipients) as refused:
        open_delivery(book.db, intent_of(claimed, "ada"))
    assert list(refused.value.found) == ["bob@example.com"]
    assert history(book.db, claimed.task_id) == []
    assert open_delivery(book.db, intent_of(claimed, "somebody else")).n == 1


def test_the_end_of_a_delivery_is_written_with_the_finish_and_though_the_claim_is_lost(book: Book) -> None:
    mine, lost = book.take(book.submit()), book.take(book.submit())
    for one in (mine, lost):
        opened(book.db, one)
    book.expire(lost.task_id)
    ends = [ClaimOutcome(one, Succeeded(None), delivery=end_of(one)) for one in (mine, lost)]
    assert finish_batch(book.db, ends) == [Finished(FinishResult.DONE), Finished(FinishResult.DISCARDED)]
    assert [history(book.db, one.task_id)[0].state for one in (mine, lost)] == [DeliveryState.SENT] * 2
