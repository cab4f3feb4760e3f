"""Submissions that share a transaction: each is accepted or refused for itself, by what is true when it is inserted."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from bureau.contracts.ids import new_id
from bureau.ledger.access import keys, rate_limits
from bureau.ledger.access.audit import Act
from bureau.ledger.access.idempotency import Answer, KeyReused, Once, Scope, reserve
from bureau.ledger.access.keys import KeyCheck, NewKey, Role
from bureau.ledger.access.rate_limits import Rate
from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import dependencies, job_tags, tasks
from bureau.ledger.dispatch import hints
from bureau.ledger.jobs.submit import NewJob
from bureau.ledger.reads import job_queries
from bureau.ledger.submissions.batch import submit_batch
from bureau.ledger.submissions.submission import (
    Accepted,
    AdmissionCheck,
    NotAdmitted,
    Repeated,
    Submission,
    SubmissionOutcome,
)
from tests.support.ledger.book import Book, task
from tests.support.together import together

ACT = Act("key.make", "ada", "command")
SCOPE = Scope("ada", "POST", "/v1/emails", "order-7")


def check(db: Database, **changed: Any) -> KeyCheck:
    """A new key as it was read."""
    key_id = new_id().hex[-16:]
    keys.add(db, NewKey(key_id, "ada", Role.SUBMIT, "0" * 64), ACT)
    return KeyCheck(**{"id": key_id, "owner": "ada", "role": Role.SUBMIT, "sha256": "0" * 64, **changed})


def accepted(outcome: SubmissionOutcome) -> Accepted:
    assert isinstance(outcome, Accepted)
    return outcome


def once(job: NewJob, scope: Scope = SCOPE, fingerprint: str = "f") -> Submission:
    return Submission(job, once=Once(scope, fingerprint), answer=Answer(202, f"/v1/jobs/{job.id}"))


def kinds(outcomes: list[SubmissionOutcome]) -> list[str]:
    return [type(outcome).__name__ for outcome in outcomes]


def test_a_group_is_stored_as_it_was_submitted(book: Book) -> None:
    chain = book.new_job(task("a"), task("b", "a"), tags=("x", "y"), priority=7)
    plain = book.new_job(task(input={"z": 1, "a": {"ü": [None, 1.5]}}))
    outcomes = submit_batch(book.db, [Submission(chain), Submission(plain)])
    view = job_queries.job(book.db, chain.id, "ada")
    assert view is not None
    assert (view.created_at, view.tags, view.priority, view.state) == (
        accepted(outcomes[0]).at,
        ["x", "y"],
        7,
        "queued",
    )
    assert [(one.name, one.state, one.after, one.hinted_at) for one in view.tasks] == [
        ("a", "queued", [], None),
        ("b", "waiting", ["a"], None),
    ]
    other = job_queries.job(book.db, plain.id, "ada")
    assert other is not None
    assert list(other.tasks[0].input) == ["z", "a"]
    assert other.tasks[0].input == {"z": 1, "a": {"ü": [None, 1.5]}}
    with book.db.read() as connection:
        assert len(connection.execute(dependencies.select()).all()) == 1
        assert len(connection.execute(job_tags.select()).all()) == 2
    book.run(chain.id, "a")
    assert book.states(chain.id) == {"a": "succeeded", "b": "ready"}


@pytest.mark.parametrize("delay", [0.25, 3600.0])
def test_a_delay_counts_from_the_acceptance(book: Book, delay: float) -> None:
    job = book.new_job(delay_seconds=delay)
    (outcome,) = submit_batch(book.db, [Submission(job)], lambda _queue: True)
    view = job_queries.job(book.db, job.id, "ada")
    assert view is not None
    assert view.run_at == accepted(outcome).at + timedelta(seconds=delay) == job.due_at(accepted(outcome).at)
    assert (view.tasks[0].hinted_at, accepted(outcome).stamped) == (None, ())


def test_a_run_at_is_kept(book: Book) -> None:
    moment = datetime(2100, 1, 1, tzinfo=UTC)
    job = book.new_job(run_at=moment, expires_at=moment + timedelta(days=1))
    submit_batch(book.db, [Submission(job)])
    view = job_queries.job(book.db, job.id, "ada")
    assert view is not None
    assert (view.run_at, view.state) == (moment, "scheduled")


def test_a_due_task_gets_its_hint_while_the_window_has_room(book: Book) -> None:
    left = iter([True, True, False])
    jobs = [book.new_job(task("a"), task("b", "a")) for _ in range(3)]
    outcomes = submit_batch(book.db, [Submission(job) for job in jobs], lambda _queue: next(left))
    assert [[one.name for one in accepted(outcome).stamped] for outcome in outcomes] == [["a"], ["a"], []]
    stamped = {(one.id, 1, accepted(outcome).at) for outcome in outcomes for one in accepted(outcome).stamped}
    with book.db.read() as connection:
        rows = connection.execute(tasks.select().where(tasks.c.hinted_at.is_not(None))).all()
    assert {(row.id, row.hints, row.hinted_at) for row in rows} == stamped
    batch = hints.reserve_due(book.db, "shop", 10)
    assert len(batch.hints) == 1  # the relay takes the one that is left


def test_a_stamp_that_was_not_published_is_taken_back(book: Book) -> None:
    job = book.new_job()
    (outcome,) = submit_batch(book.db, [Submission(job)], lambda _queue: True)
    (stamped,) = accepted(outcome).stamped
    hints.unreserve(book.db, [hints.Hint(stamped.id, stamped.run, accepted(outcome).at)])
    assert [hint.task_id for hint in hints.reserve_due(book.db, "shop", 10).hints] == [stamped.id]


def revoked(db: Database) -> KeyCheck:
    key = check(db)
    keys.revoke(db, key.id, ACT)
    return key


def expired(db: Database) -> KeyCheck:
    key = KeyCheck(new_id().hex[-16:], "ada", Role.SUBMIT, "0" * 64)
    keys.add(db, NewKey(key.id, "ada", Role.SUBMIT, "0" * 64, expires_in_seconds=-1), ACT)
    return key


WRONG: list[Callable[[Database], KeyCheck]] = [
    revoked,
    expired,
    lambda db: check(db, sha256="1" * 64),
    lambda db: check(db, owner="eve"),
    lambda db: check(db, role=Role.OPERATE),
    lambda _db: KeyCheck("nobody", "ada", Role.SUBMIT, "0" * 64),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_only_a_key_that_is_as_it_was_read_admits(book: Book, wrong: Callable[[Database], KeyCheck]) -> None:
    good, bad = book.new_job(), book.new_job()
    admitted, refused = AdmissionCheck(check(book.db)), AdmissionCheck(wrong(book.db))
    outcomes = submit_batch(book.db, [Submission(bad, refused), Submission(good, admitted)])
    assert kinds(outcomes) == ["NotAdmitted", "Accepted"]
    assert job_queries.job(book.db, bad.id, "ada") is None
    assert job_queries.job(book.db, good.id, "ada") is not None


def test_without_a_key_nobody_is_admitted_once_there_is_one(book: Book) -> None:
    nobody = AdmissionCheck(without_keys=True)
    assert kinds(submit_batch(book.db, [Submission(book.new_job(), nobody)])) == ["Accepted"]
    keys.revoke(book.db, check(book.db).id, ACT)
    outcomes = submit_batch(book.db, [Submission(book.new_job(), nobody), Submission(book.new_job())])
    assert kinds(outcomes) == ["NotAdmitted", "Accepted"]


def test_a_rate_limit_counts_each_submission_and_is_the_one_that_single_requests_take_from(book: Book) -> None:
    rate = Rate(5, 3600.0)
    limited = AdmissionCheck(bucket="k1", rate=rate)
    rate_limits.take(book.db, "k1", rate)
    (first,) = submit_batch(book.db, [Submission(book.new_job(), limited)])
    assert accepted(first).limit is not None
    assert accepted(first).limit.left == 3  # type: ignore[union-attr]
    two = submit_batch(book.db, [Submission(book.new_job(), limited), Submission(book.new_job())])
    assert kinds(two) == ["Accepted", "Accepted"]
    assert rate_limits.take(book.db, "k1", rate).left == 1
    assert rate_limits.take(book.db, "k1", rate).allowed
    assert not rate_limits.take(book.db, "k1", rate).allowed
    assert kinds(submit_batch(book.db, [Submission(book.new_job(), limited)])) == ["NotAdmitted"]
    assert rate_limits.take(book.db, "k2", rate).left == 4


def test_a_group_takes_no_more_than_a_full_bucket_holds(book: Book) -> None:
    limited = AdmissionCheck(bucket="k1", rate=Rate(2, 3600.0))
    outcomes = submit_batch(book.db, [Submission(book.new_job(), limited) for _ in range(3)])
    assert kinds(outcomes).count("Accepted") <= 2
    one_by_one = [submit_batch(book.db, [Submission(book.new_job(), limited)])[0] for _ in range(3)]
    assert kinds([*outcomes, *one_by_one]).count("Accepted") == 2


def test_limits_taken_at_once_lose_no_unit(book: Book) -> None:
    rate = Rate(40, 36_000.0)
    limited = AdmissionCheck(bucket="k1", rate=rate)

    def both(number: int) -> None:
        for _ in range(5):
            if number % 2:
                rate_limits.take(book.db, "k1", rate)
            else:
                submit_batch(book.db, [Submission(book.new_job(), limited)])

    together(4, both)
    assert rate_limits.take(book.db, "k1", rate).left == 19


def test_an_idempotency_key_is_taken_with_its_answer(book: Book) -> None:
    job = book.new_job()
    assert kinds(submit_batch(book.db, [once(job)])) == ["Accepted"]
    again = once(book.new_job())
    other = once(book.new_job(), Scope("ada", "POST", "/v1/emails", "order-8"))
    assert kinds(submit_batch(book.db, [again, other])) == ["Repeated", "Accepted"]
    assert job_queries.job(book.db, again.job.id, "ada") is None
    assert reserve(book.db, SCOPE, "f") == Answer(202, f"/v1/jobs/{job.id}")
    with pytest.raises(KeyReused):
        reserve(book.db, SCOPE, "g")


def test_two_submissions_with_one_key_in_a_group_are_accepted_once(book: Book) -> None:
    assert sorted(kinds(submit_batch(book.db, [once(book.new_job()), once(book.new_job())]))) == [
        "Accepted",
        "Repeated",
    ]


def test_concurrent_twins_are_accepted_once_and_repeated(book: Book) -> None:
    for number in range(10):
        scope = Scope("ada", "POST", "/v1/emails", f"key-{number}")

        def submit(_: int, mine: Scope = scope) -> str:
            return type(submit_batch(book.db, [once(book.new_job(), mine)])[0]).__name__

        assert sorted(together(4, submit)) == ["Accepted", "Repeated", "Repeated", "Repeated"]


def test_a_submission_that_is_not_admitted_takes_no_key_and_no_token(book: Book) -> None:
    rate = Rate(5, 3600.0)
    bad = AdmissionCheck(revoked(book.db), bucket="k1", rate=rate)
    wanted = once(book.new_job())
    (outcome,) = submit_batch(book.db, [Submission(wanted.job, bad, wanted.once, wanted.answer)])
    assert isinstance(outcome, NotAdmitted)
    assert kinds(submit_batch(book.db, [wanted])) == ["Accepted"]
    assert rate_limits.take(book.db, "k1", rate).left == 4


def test_a_repeated_one_has_taken_its_unit(book: Book) -> None:
    rate = Rate(5, 3600.0)
    limited = AdmissionCheck(bucket="k1", rate=rate)
    for _ in range(2):
        wanted = once(book.new_job())
        (outcome,) = submit_batch(book.db, [Submission(wanted.job, limited, wanted.once, wanted.answer)])
    assert isinstance(outcome, Repeated)
    assert outcome.limit is not None
    assert outcome.limit.left == 3


def test_a_job_whose_id_is_there_already_is_not_inserted_again(book: Book) -> None:
    first = book.new_job(task(input={"n": 1}), id_given=True)
    again = replace(book.new_job(task("a", input={"n": 2}), task("b", "a"), tags=("x",)), id=first.id, id_given=True)
    other = book.new_job(id_given=True)
    assert kinds(submit_batch(book.db, [Submission(first)])) == ["Accepted"]
    assert kinds(submit_batch(book.db, [once(again), Submission(other)])) == ["IdTaken", "Accepted"]
    kept = job_queries.job(book.db, first.id, "ada")
    assert kept is not None
    assert [one.input for one in kept.tasks] == [{"n": 1}]
    with book.db.read() as connection:
        assert connection.execute(job_tags.select()).all() == []
    assert reserve(book.db, SCOPE, "f") == Answer(202, f"/v1/jobs/{first.id}")


def test_twins_with_one_id_in_a_group_are_inserted_once(book: Book) -> None:
    twins = [replace(book.new_job(), id=UUID(int=7), id_given=True) for _ in range(3)]
    assert kinds(submit_batch(book.db, [Submission(twin) for twin in twins])) == ["Accepted", "IdTaken", "IdTaken"]


def test_twins_with_one_id_in_many_threads_are_inserted_once(book: Book) -> None:
    twins = [replace(book.new_job(), id=UUID(int=7), id_given=True) for _ in range(8)]
    outcomes = together(8, lambda number: submit_batch(book.db, [Submission(twins[number])]))
    assert sorted(kinds([one for (one,) in outcomes])) == ["Accepted", *["IdTaken"] * 7]
