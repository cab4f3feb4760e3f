"""What happened, read again: a job's events behind a number, what is new to jobs, what was committed since a look."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from sqlalchemy import Connection, select, text, update

from bureau.contracts.ids import new_id
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import events, jobs
from bureau.ledger.jobs.event_cursor import EventCursor, between, current_cursor
from bureau.ledger.jobs.events import TaskEvent, append
from bureau.ledger.jobs.progress import write_events
from bureau.ledger.reads import event_history
from bureau.ledger.reads.event_history import Happened, Head
from tests.support.ledger.book import Book, task
from tests.support.together import together

LIMIT = 1000


def line(text: str) -> TaskEvent:
    return TaskEvent("task.logged", "only", {"line": text})


def said(found: list[Happened]) -> list[str]:
    return [event.data["line"] for event in found]


class Watcher:
    """Follows ada's jobs as the gateway's hub does."""

    def __init__(self, db: Database, owner: str = "ada") -> None:
        self._db = db
        self._owner = owner
        self._place = event_history.present(db)
        self.found: list[Happened] = []

    def look(self) -> list[Happened]:
        since, self._place = self._place, event_history.present(self._db)
        found = event_history.new_to_owners(self._db, [self._owner], since, self._place, limit=LIMIT)
        assert found is not None
        self.found += found.get(self._owner, [])
        return found.get(self._owner, [])


def test_the_head_of_a_job_is_its_last_event_and_whether_it_ended(book: Book) -> None:
    job_id = book.submit()
    assert event_history.head(book.db, job_id, "ada") == Head(0, ended=False)
    write_events(book.db, {job_id: [line("a")]})
    assert event_history.head(book.db, job_id, "ada") == Head(1, ended=False)
    book.run(job_id)
    assert event_history.head(book.db, job_id, "ada") == Head(3, ended=True)


def test_nobody_else_has_a_head_of_it(book: Book) -> None:
    assert event_history.head(book.db, book.submit(), "eve") is None
    assert event_history.head(book.db, new_id(), "ada") is None


def test_events_are_read_behind_a_number_in_order_and_no_more_than_asked_for(book: Book) -> None:
    job_id, other = book.submit(), book.submit()
    write_events(book.db, {job_id: [line(str(n)) for n in range(1, 8)], other: [line("other")]})
    assert said(event_history.events_of(book.db, job_id, after=0, limit=100)) == [str(n) for n in range(1, 8)]
    page = event_history.events_of(book.db, job_id, after=3, limit=2)
    assert [(event.seq, event.job_id, event.type, event.task) for event in page] == [
        (4, job_id, "task.logged", "only"),
        (5, job_id, "task.logged", "only"),
    ]
    assert page[0].at.tzinfo is not None
    assert event_history.events_of(book.db, job_id, after=7, limit=2) == []


def test_new_events_are_returned_only_for_jobs_that_changed(book: Book) -> None:
    moved, idle, deleted = book.submit(), book.submit(), new_id()
    write_events(book.db, {moved: [line("a"), line("b"), line("c")], idle: [line("z")]})
    found = event_history.new_to_jobs(book.db, {moved: 1, idle: 1, deleted: 0}, limit=100)
    assert {job_id: said(events) for job_id, events in found.items()} == {moved: ["b", "c"]}
    assert said(event_history.new_to_jobs(book.db, {moved: 0}, limit=2)[moved]) == ["a", "b"]


def test_an_event_that_was_committed_since_the_last_read_is_seen_once(book: Book) -> None:
    watcher = Watcher(book.db)
    assert watcher.look() == []
    first, second = book.submit(), book.submit()
    write_events(book.db, {first: [line("a")], second: [line("b")]})
    assert {event.job_id: event.data["line"] for event in watcher.look()} == {first: "a", second: "b"}
    book.run(first)
    assert [event.type for event in watcher.look()] == ["task.succeeded", "job.finished"]
    assert watcher.look() == []


def test_events_before_the_first_read_are_not_seen(book: Book) -> None:
    job_id = book.submit()
    write_events(book.db, {job_id: [line("before")]})
    watcher = Watcher(book.db)
    write_events(book.db, {job_id: [line("after")]})
    assert said(watcher.look()) == ["after"]


def test_other_owners_events_are_not_seen(book: Book) -> None:
    watcher, both = Watcher(book.db), Watcher(book.db, "eve")
    mine, hers = book.submit(), book.submit(owner="eve")
    write_events(book.db, {mine: [line("mine")], hers: [line("hers")]})
    assert said(watcher.look()) == ["mine"]
    assert said(both.look()) == ["hers"]


def test_more_than_is_wanted_is_told_and_not_read(book: Book) -> None:
    since = event_history.present(book.db)
    job_id = book.submit()
    write_events(book.db, {job_id: [line(str(n)) for n in range(5)]})
    until = event_history.present(book.db)
    assert event_history.new_to_owners(book.db, ["ada"], since, until, limit=4) is None
    found = event_history.new_to_owners(book.db, ["ada"], since, until, limit=5)
    assert found is not None
    assert len(found["ada"]) == 5


def test_events_restored_from_a_dump_are_not_new(book: Book) -> None:
    """They bear numbers of transactions that are still to come in the new database."""
    job_id = book.submit()
    write_events(book.db, {job_id: [line("old")]})
    since = event_history.present(book.db)
    with book.db.transaction() as connection:
        connection.execute(update(events).values(tx=since.end, at=later(-2 * 24 * 3600)))
    write_events(book.db, {job_id: [line("new")]})
    until = EventCursor(event_history.present(book.db).end + 10)
    found = event_history.new_to_owners(book.db, ["ada"], since, until, limit=LIMIT)
    assert found is not None
    assert said(found["ada"]) == ["new"]


@contextmanager
def under_way(db: Database, job_id: UUID, text_: str) -> Iterator[Connection]:
    """A transaction that has written an event and is not committed before the block's end."""
    with db.transaction() as connection:
        append(connection, {job_id: [line(text_)]})
        yield connection


def test_commits_out_of_order_are_all_seen_once(postgres_db: Database) -> None:
    """The first to write commits last: its number is the lowest, and the watcher has seen higher ones meanwhile."""
    book = Book(postgres_db)
    slow, quick = book.submit(), book.submit()
    watcher = Watcher(postgres_db)
    with under_way(postgres_db, slow, "slow"):
        write_events(postgres_db, {quick: [line("quick 1")]})
        assert said(watcher.look()) == ["quick 1"]
        write_events(postgres_db, {quick: [line("quick 2")]})
        assert said(watcher.look()) == ["quick 2"]
        assert watcher.look() == []
    write_events(postgres_db, {quick: [line("quick 3")]})
    assert sorted(said(watcher.look())) == ["quick 3", "slow"]
    assert watcher.look() == []


def test_an_event_that_commits_during_a_read_comes_with_the_next_one(postgres_db: Database) -> None:
    book = Book(postgres_db)
    job_id = book.submit()
    since = event_history.present(postgres_db)
    with under_way(postgres_db, job_id, "late"):
        until = event_history.present(postgres_db)
    assert event_history.new_to_owners(postgres_db, ["ada"], since, until, limit=LIMIT) == {}
    found = event_history.new_to_owners(postgres_db, ["ada"], until, event_history.present(postgres_db), limit=LIMIT)
    assert found is not None
    assert said(found["ada"]) == ["late"]


def test_an_event_that_was_rolled_back_is_never_seen(book: Book) -> None:
    watcher = Watcher(book.db)
    job_id = book.submit()

    def fail() -> None:
        with under_way(book.db, job_id, "never"):
            raise ConnectionError

    with pytest.raises(ConnectionError):
        fail()
    write_events(book.db, {job_id: [line("kept")]})
    assert said(watcher.look()) == ["kept"]


def test_a_jobs_events_are_seen_in_order_though_their_transactions_began_in_another(postgres_db: Database) -> None:
    book = Book(postgres_db)
    job_id = book.submit()
    watcher = Watcher(postgres_db)
    with postgres_db.transaction() as early:
        early.execute(text("SELECT pg_current_xact_id()"))  # it has the lower number, and writes later
        write_events(postgres_db, {job_id: [line("first")]})
        append(early, {job_id: [line("second")]})
    assert said(watcher.look()) == ["first", "second"]


def test_numbers_of_deleted_events_are_not_given_again(sqlite_db: Database) -> None:
    """The newest events go with their job: what comes next must be new to who has seen them."""
    book = Book(sqlite_db)
    gone, kept = book.submit(), book.submit()
    write_events(sqlite_db, {gone: [line("gone")]})
    watcher = Watcher(sqlite_db)
    with sqlite_db.transaction() as connection:
        connection.execute(jobs.delete().where(jobs.c.id == gone))
    write_events(sqlite_db, {kept: [line("kept")]})
    assert said(watcher.look()) == ["kept"]


def test_a_look_without_anything_new_reads_an_index(book: Book) -> None:
    """However many events there are: their number is looked up, not searched for."""
    with book.db.transaction() as connection:
        here = current_cursor(connection)
        (condition,) = between(here, EventCursor(here.end + 1))
        query = select(events.c.seq).where(condition)
        explain = "EXPLAIN QUERY PLAN " if book.db.is_sqlite else "EXPLAIN "
        if not book.db.is_sqlite:
            connection.execute(text("SET LOCAL enable_seqscan = off"))  # the table is empty: reading it all is cheap
        compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"{explain}{compiled}")
        assert "ix_events_tx" in "".join(str(row) for row in plan)


def test_many_writers_and_one_watcher(db: Database) -> None:
    """Transactions that write to several jobs overlap; every event is seen once, each job's in order."""
    book = Book(db)
    ids = [book.submit(*(task(f"t{n}") for n in range(4))) for _ in range(6)]
    watcher = Watcher(db)
    writing = threading.Event()
    writing.set()
    looking = threading.Thread(target=lambda: [watcher.look() for _ in iter(writing.is_set, False)])
    looking.start()

    def write(number: int) -> None:
        chance = random.Random(number)
        for n in range(40):
            some = sorted(chance.sample(ids, chance.randint(1, 3)))
            with db.transaction() as connection:
                for job_id in some:
                    append(connection, {job_id: [line(f"{number}.{n}")] * chance.randint(1, 3)})

    together(4, write, seconds=120)
    writing.clear()
    looking.join(60)
    watcher.look()
    for job_id in ids:
        seen = [event.seq for event in watcher.found if event.job_id == job_id]
        assert seen == list(range(1, book.job(job_id).event_seq + 1))
