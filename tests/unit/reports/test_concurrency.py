"""Tests that a report is postponed while its source is busy, and that every end releases its slot."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bureau.contracts.errors import PermanentError, Postponed, TransientError
from bureau.ledger.db.database import Database
from bureau.ledger.jobs.claim import Claim
from bureau.services.reports.sources.concurrency import SourceConcurrency
from tests.support.context import FakeContext
from tests.support.ledger.book import Book, task
from tests.support.ledger.ledgers import sqlite_ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Database]:
    with closing(sqlite_ledger(tmp_path)) as database:
        yield database


@pytest.fixture
def contexts(ledger: Database, tmp_path: Path) -> list[FakeContext]:
    """Of two tasks that run."""
    book = Book(ledger)
    job_id = book.submit(task("a"), task("b"))
    return [context_of(book.take(job_id, name), tmp_path) for name in ("a", "b")]


def context_of(claimed: Claim, folder: Path) -> FakeContext:
    context = FakeContext(folder / "storage", claim_no=claimed.claim_no)
    context.task_id = claimed.task_id
    return context


def test_a_report_of_a_busy_source_is_postponed_without_counting_an_attempt(
    ledger: Database, contexts: list[FakeContext]
) -> None:
    first, second = contexts
    here, elsewhere = SourceConcurrency(ledger), SourceConcurrency(ledger)  # two workers
    with here.taken(first, "shop", 1):
        with pytest.raises(Postponed, match="SOURCE_SHOP_AT_A_TIME") as busy, elsewhere.taken(second, "shop", 1):
            pytest.fail("two at a time")
        assert busy.value.delay > 0
    with elsewhere.taken(second, "shop", 1):
        pass


def test_a_failed_report_releases_its_slot(ledger: Database, contexts: list[FakeContext]) -> None:
    first, second = contexts
    turns = SourceConcurrency(ledger)
    with pytest.raises(PermanentError), turns.taken(first, "shop", 1):
        raise PermanentError("source_query_failed", "The query is wrong.")
    with turns.taken(second, "shop", 1):
        pass


def test_without_the_ledger_no_slot_is_taken(tmp_path: Path, contexts: list[FakeContext]) -> None:
    (tmp_path / "folder").mkdir()
    away = SourceConcurrency(Database(f"sqlite:///{tmp_path / 'folder'}"))  # a folder is no database
    with pytest.raises(TransientError, match="ledger"), away.taken(contexts[0], "shop", 1):
        pytest.fail("it had a turn")
