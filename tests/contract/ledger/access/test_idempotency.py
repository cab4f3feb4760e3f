"""Idempotency keys: one request holds a key, its answer is kept, and a holder that died is replaced."""

import pytest
from sqlalchemy import update

from bureau.contracts.ids import new_id
from bureau.ledger.access.idempotency import (
    KEPT_SECONDS,
    Answer,
    KeyBusy,
    KeyReused,
    Once,
    Reservation,
    ReservationLost,
    Scope,
    answer,
    given_before,
    release,
    release_all,
    reserve,
)
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import idempotency
from bureau.ledger.files.artifacts import StoredArtifact, find, insert_artifacts
from bureau.ledger.jobs.submit import submit
from tests.support.ledger.book import Book, stored
from tests.support.together import together

SCOPE = Scope("ada", "POST", "/v1/jobs", "order-7")
ANSWER = Answer(202, "/v1/jobs/1")


def upload_and_answer(db: Database, upload: StoredArtifact, reservation: Reservation, given: Answer) -> None:
    """Stores an upload and the answer to it in one transaction, as the gateway does."""
    with db.transaction() as connection:
        insert_artifacts(connection, [upload])
        answer(connection, reservation, given)


def held(db: Database, scope: Scope = SCOPE, fingerprint: str = "f") -> Reservation:
    reservation = reserve(db, scope, fingerprint)
    assert isinstance(reservation, Reservation)
    return reservation


def answered(book: Book, reservation: Reservation, given: Answer = ANSWER) -> None:
    submit(book.db, [book.new_job()], reservation, given=given)


def age_all(db: Database, **values: object) -> None:
    with db.transaction() as connection:
        connection.execute(update(idempotency).values(**values))


def test_the_same_request_again_has_the_first_answer(book: Book) -> None:
    answered(book, held(book.db))
    assert reserve(book.db, SCOPE, "f") == ANSWER
    assert reserve(book.db, SCOPE, "f") == ANSWER


def test_another_request_with_the_key_is_refused(book: Book) -> None:
    answered(book, held(book.db))
    with pytest.raises(KeyReused):
        reserve(book.db, SCOPE, "g")


def test_a_twin_under_way_is_busy(db: Database) -> None:
    held(db)
    with pytest.raises(KeyBusy):
        reserve(db, SCOPE, "f")
    with pytest.raises(KeyReused):
        reserve(db, SCOPE, "g")


@pytest.mark.parametrize(
    "other",
    [
        Scope("bob", "POST", "/v1/jobs", "order-7"),
        Scope("ada", "PUT", "/v1/jobs", "order-7"),
        Scope("ada", "POST", "/v1/files", "order-7"),
        Scope("ada", "POST", "/v1/jobs", "order-8"),
        Scope("ada", "POST", "/v1/jobs", "ORDER-7"),
    ],
)
def test_a_key_belongs_to_its_owner_method_and_path(db: Database, other: Scope) -> None:
    held(db)
    held(db, other, "g")


def test_when_all_holders_are_dead_their_keys_are_free_and_answers_stay(book: Book) -> None:
    other = Scope("ada", "POST", "/v1/jobs", "order-8")
    answered(book, held(book.db))
    held(book.db, other)
    release_all(book.db)
    held(book.db, other)
    assert reserve(book.db, SCOPE, "f") == ANSWER


def test_a_released_key_is_free_again(db: Database) -> None:
    release(db, held(db))
    held(db, fingerprint="g")


def test_an_answer_is_not_released(book: Book) -> None:
    reservation = held(book.db)
    answered(book, reservation)
    release(book.db, reservation)
    assert reserve(book.db, SCOPE, "f") == ANSWER


def test_a_holder_that_died_is_replaced_and_can_no_longer_answer(book: Book) -> None:
    dead = held(book.db)
    age_all(book.db, held_until=later(-1))
    alive = held(book.db, fingerprint="g")
    new = book.new_job()
    with pytest.raises(ReservationLost):
        submit(book.db, [new], dead, given=ANSWER)
    with book.db.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM jobs").scalar_one() == 0
    release(book.db, dead)  # it is not its to release
    answered(book, alive)
    assert reserve(book.db, SCOPE, "g") == ANSWER


def test_a_slow_holder_that_nobody_replaced_still_answers(book: Book) -> None:
    slow = held(book.db)
    age_all(book.db, held_until=later(-1))
    answered(book, slow)
    assert reserve(book.db, SCOPE, "f") == ANSWER


def test_an_upload_may_answer_too(db: Database) -> None:
    upload = stored()
    upload_and_answer(db, upload, held(db), Answer(201, "/v1/files/1"))
    assert find(db, upload.id, "ada") is not None
    assert reserve(db, SCOPE, "f") == Answer(201, "/v1/files/1")


def test_an_upload_whose_reservation_was_lost_is_not_there(db: Database) -> None:
    upload = stored()
    with pytest.raises(ReservationLost):
        upload_and_answer(db, upload, Reservation(SCOPE, new_id()), ANSWER)
    assert find(db, upload.id, "ada") is None


def test_an_answer_is_kept_a_day(book: Book) -> None:
    answered(book, held(book.db))
    age_all(book.db, created_at=later(-23 * 3600))
    assert reserve(book.db, SCOPE, "f") == ANSWER
    age_all(book.db, created_at=later(-25 * 3600))
    held(book.db, fingerprint="g")


def test_among_twins_at_once_one_holds_the_key(db: Database) -> None:
    for number in range(15):
        scope = Scope("ada", "POST", "/v1/jobs", f"key-{number}")

        def try_it(_: int, mine: Scope = scope) -> str:
            try:
                return type(reserve(db, mine, "f")).__name__
            except KeyBusy:
                return "busy"

        assert sorted(together(4, try_it)) == ["Reservation", "busy", "busy", "busy"]


def test_only_the_answer_to_the_same_request_is_given_before(book: Book) -> None:
    once = Once(SCOPE, "f")
    assert given_before(book.db, once) is None
    reservation = held(book.db)
    assert given_before(book.db, once) is None
    answered(book, reservation)
    assert given_before(book.db, once) == ANSWER
    assert given_before(book.db, Once(SCOPE, "other")) is None
    age_all(book.db, created_at=later(-KEPT_SECONDS - 1))
    assert given_before(book.db, once) is None
