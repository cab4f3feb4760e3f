"""Submissions that come together share a transaction; whatever becomes of it, each learns of its own."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.dispatch.hints import Hint
from bureau.ledger.reads import job_queries
from bureau.ledger.submissions import batch
from bureau.ledger.submissions.submission import Accepted, Submission
from bureau.services.gateway.submitter import SHARES_AT_MOST_BYTES, SHARES_AT_MOST_TASKS, Submitter
from tests.support.ledger.book import Book, task
from tests.support.ledger.ledgers import sqlite_ledger
from tests.support.waiting import until


class Outlet:
    """A relay that publishes nothing."""

    healthy = True

    def __init__(self) -> None:
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1

    def publish(self, stamped: Iterable[tuple[str, Hint]]) -> None:
        """Nobody listens."""

    def defer(self, action: Callable[[], None]) -> None:
        action()


class Batches:
    """The ledger's `submit_batch`, which waits until `go` is set and may fail."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.go = threading.Event()
        self.error: Exception | None = None

    def __call__(self, db: Database, group: Sequence[Submission], *more: Any) -> Any:
        self.sizes.append(len(group))
        self.go.wait(20)
        if self.error:
            raise self.error
        return batch.submit_batch(db, group, *more)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    db = sqlite_ledger(tmp_path)
    yield Book(db)
    db.close()


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> Batches:
    made = Batches()
    monkeypatch.setattr("bureau.services.gateway.submitter.submit_batch", made)
    return made


def submit_at_once(submitter: Submitter, batches: Batches, submissions: Sequence[Submission]) -> list[Any]:
    """What each gets: the first is under way when the others come."""
    answers: list[Any] = [None] * len(submissions)

    def submit(number: int) -> None:
        try:
            answers[number] = submitter(submissions[number])
        except Exception as error:  # noqa: BLE001 - what it raises is its answer
            answers[number] = error

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(len(submissions))]
    threads[0].start()
    until(lambda: batches.sizes, 20, "the first is under way")
    for thread in threads[1:]:
        thread.start()
    until(lambda: len(submitter._group._waiting) == len(submissions) - 1, 20, "the others wait")
    batches.go.set()
    for thread in threads:
        thread.join(60)
    return answers


def test_those_that_come_together_share_a_transaction(book: Book, batches: Batches) -> None:
    jobs = [book.new_job() for _ in range(5)]
    answers = submit_at_once(Submitter(book.db, Outlet()), batches, [Submission(job) for job in jobs])
    assert batches.sizes == [1, 4]
    assert all(isinstance(answer, Accepted) for answer in answers)
    assert all(job_queries.job(book.db, job.id, "ada") for job in jobs)


def test_nobody_tries_again_after_an_outage_because_the_group_may_be_committed(book: Book, batches: Batches) -> None:
    batches.error = LedgerUnavailable("gone")
    answers = submit_at_once(Submitter(book.db, Outlet()), batches, [Submission(book.new_job()) for _ in range(4)])
    assert batches.sizes == [1, 3]
    assert all(isinstance(answer, LedgerUnavailable) for answer in answers)


def test_one_that_no_column_takes_does_not_harm_its_group(book: Book, batches: Batches) -> None:
    good, bad = book.new_job(), book.new_job(task(input={"a": {1, 2}}))  # no JSON
    submissions = [Submission(book.new_job()), Submission(bad), Submission(good)]
    with capture_logs() as logged:
        answers = submit_at_once(Submitter(book.db, Outlet()), batches, submissions)
    assert [record["event"] for record in logged] == ["a group failed; each of its items is tried alone"]
    assert batches.sizes == [1, 2, 1, 1]
    assert isinstance(answers[2], Accepted)
    assert not isinstance(answers[1], Accepted)
    assert job_queries.job(book.db, good.id, "ada") is not None


def test_a_large_job_has_a_transaction_of_its_own(book: Book, batches: Batches) -> None:
    batches.go.set()
    submitter = Submitter(book.db, Outlet())
    submitter._group = None  # type: ignore[assignment] # which nobody is to ask
    many = book.new_job(*(task(f"t{n}") for n in range(SHARES_AT_MOST_TASKS + 1)))
    assert isinstance(submitter(Submission(many)), Accepted)
    assert isinstance(submitter(Submission(book.new_job()), body_bytes=SHARES_AT_MOST_BYTES + 1), Accepted)


def test_the_relay_is_woken_for_what_got_no_stamp(book: Book) -> None:
    outlet = Outlet()
    Submitter(book.db, outlet)(Submission(book.new_job()))
    assert outlet.woken == 1
