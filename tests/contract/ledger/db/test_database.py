"""Connections and transactions: all or nothing, outages told from mistakes, no password in sight."""

import threading
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import ProgrammingError

from bureau.ledger.db.database import FROZEN_MS, Database, LedgerUnavailable
from bureau.ledger.db.sql_time import age, later, now
from bureau.ledger.db.tables import tasks
from bureau.ledger.jobs.claim import LEASE_SECONDS
from tests.support.ledger.book import Book
from tests.support.ledger.ledgers import sqlite_ledger
from tests.support.servers.ports import free_port
from tests.support.servers.postgres import connect
from tests.support.together import together
from tests.support.waiting import until

CUT = """
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Oops(Exception):
    """Raised inside a transaction."""


def test_an_error_inside_a_transaction_undoes_it(book: Book) -> None:
    job_id = book.submit()

    def change_and_fail() -> None:
        with book.db.transaction() as connection:
            connection.execute(update(tasks).values(name="changed"))
            raise Oops

    with pytest.raises(Oops):
        change_and_fail()
    assert book.task(job_id).name == "only"


def test_an_error_in_a_statement_is_no_outage(db: Database) -> None:
    with pytest.raises(Exception) as mistake, db.transaction() as connection:  # noqa: PT011 - its type differs
        connection.execute(text("SELECT nonsense FROM tasks"))
    assert not isinstance(mistake.value, LedgerUnavailable)


def test_writers_queue_up_and_none_is_lost(book: Book) -> None:
    job_id = book.submit()

    def count(_: int) -> None:
        for _ in range(25):
            with book.db.transaction() as connection:
                hints = connection.execute(select(tasks.c.hints).with_for_update()).scalar_one()
                connection.execute(update(tasks).values(hints=hints + 1))

    together(4, count)
    assert book.task(job_id).hints == 100


def test_two_connections_pools_write_to_the_same_file(tmp_path: Path) -> None:
    """Two processes on one SQLite file: the second waits for the first, instead of failing."""
    first = sqlite_ledger(tmp_path)
    second = Database(f"sqlite:///{tmp_path}/ledger.db")
    job_id = Book(first).submit()

    def count(number: int) -> None:
        for _ in range(25):
            with (first, second)[number].transaction() as connection:
                hints = connection.execute(select(tasks.c.hints)).scalar_one()
                connection.execute(update(tasks).values(hints=hints + 1))

    together(2, count)
    assert Book(second).task(job_id).hints == 50
    first.close()
    second.close()


def test_the_databases_clock_counts_both_ways(db: Database) -> None:
    with db.read() as connection:
        one = connection.execute(select(age(later(-90.5)), age(later(90.5)), now(), later(0))).one()
    assert 90.4 < one[0] < 91
    assert -91 < one[1] < -90.4
    assert abs((one[2] - one[3]).total_seconds()) < 1
    assert one[2].tzinfo is not None


def test_moments_that_differ_by_a_millisecond_are_in_order(book: Book) -> None:
    job_id = book.submit()
    task_id = book.task(job_id).id
    for seconds in (-0.002, 3600):
        book.set(task_id, due_at=later(seconds))
        with book.db.read() as connection:
            due = connection.execute(select(tasks.c.due_at <= now())).scalar_one()
        assert bool(due) == (seconds < 0)


def test_a_server_that_is_not_there_is_an_outage() -> None:
    db = Database("postgresql+psycopg://bureau:verysecret@127.0.0.1:9/ledger")
    with pytest.raises(LedgerUnavailable) as outage:
        db.ping()
    assert "verysecret" not in f"{outage.value} {db!r}"
    assert "***" in repr(db)


def test_so_it_is_for_a_statement_of_its_own() -> None:
    db = Database(f"postgresql+psycopg://ada@127.0.0.1:{free_port()}/ledger")
    with pytest.raises(LedgerUnavailable, match="Connection refused"):
        db.hot.execute("SELECT 1 AS one", {})
    db.close()


def test_a_folder_that_cannot_be_written_is_an_outage(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises((LedgerUnavailable, OSError)):
        Database(f"sqlite:///{tmp_path}/file/ledger.db").ping()


def test_connections_that_were_cut_are_an_outage_once(direct_db: Database, postgres_ledger_url: str) -> None:
    direct_db.ping()
    with connect(postgres_ledger_url) as other:
        other.execute(CUT)
    with pytest.raises(LedgerUnavailable):
        direct_db.ping()
    direct_db.ping()


def test_an_outage_that_one_pool_sees_costs_the_others_no_request(
    direct_db: Database, postgres_ledger_url: str
) -> None:
    assert direct_db.hot.execute("SELECT 1 AS one", {})[0].one == 1
    direct_db.ping()
    with connect(postgres_ledger_url) as other:
        other.execute(CUT)
    with pytest.raises(LedgerUnavailable):
        direct_db.ping()
    assert direct_db.hot.execute("SELECT 1 AS one", {})[0].one == 1


def test_a_transaction_that_froze_holds_no_lock_when_its_leases_expire() -> None:
    assert FROZEN_MS / 1000 < LEASE_SECONDS


def test_a_transaction_that_froze_is_an_outage_when_it_goes_on(postgres_db: Database, postgres_ledger_url: str) -> None:
    """PostgreSQL has ended its session meanwhile; nothing it wrote was committed."""
    book = Book(postgres_db)
    job_id = book.submit()
    with connect(postgres_ledger_url) as other:

        def frozen() -> int:
            query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
            (count,) = other.execute(query).fetchone() or (0,)
            return int(count)

        def freeze_and_go_on() -> None:
            with postgres_db.transaction() as connection:
                connection.exec_driver_sql("SET idle_in_transaction_session_timeout = 100")
                connection.execute(update(tasks).where(tasks.c.job_id == job_id).values(hints=7))
                until(lambda: frozen() == 0, 10, "the end of its session")
                connection.execute(update(tasks).where(tasks.c.job_id == job_id).values(hints=8))

        with pytest.raises(LedgerUnavailable):
            freeze_and_go_on()
    assert book.task(job_id).hints != 7


def test_a_statement_with_a_time_limit_of_its_own_gives_up(postgres_db: Database) -> None:
    """The heartbeat's connections: a lock somewhere must not cost it its leases."""
    book = Book(postgres_db)
    job_id = book.submit()
    hurried = postgres_db.with_timeout(0.2)
    with postgres_db.transaction() as other:
        other.execute(select(tasks).where(tasks.c.job_id == job_id).with_for_update())
        with pytest.raises(LedgerUnavailable), hurried.transaction() as connection:
            connection.execute(update(tasks).where(tasks.c.job_id == job_id).values(hints=1))
    hurried.ping()
    hurried.close()


def test_the_hurried_connections_of_sqlite_are_the_same(sqlite_db: Database) -> None:
    assert sqlite_db.with_timeout(0.2) is sqlite_db


def test_a_deadlock_is_an_outage_for_one_and_nothing_for_the_other(postgres_db: Database) -> None:
    book = Book(postgres_db)
    ids = [book.task(book.submit()).id for _ in range(2)]
    both_hold_one = threading.Barrier(2)

    def cross(number: int) -> str:
        try:
            with postgres_db.transaction() as connection:
                connection.execute(update(tasks).where(tasks.c.id == ids[number]).values(hints=1))
                both_hold_one.wait(10)
                connection.execute(update(tasks).where(tasks.c.id == ids[1 - number]).values(hints=2))
        except LedgerUnavailable:
            return "outage"
        return "done"

    assert sorted(together(2, cross)) == ["done", "outage"]


def test_errors_hold_no_values(postgres_db: Database) -> None:
    with pytest.raises(ProgrammingError) as error, postgres_db.transaction() as connection:
        connection.execute(text("SELECT :secret FROM nowhere"), {"secret": "verysecret"})
    assert "verysecret" not in str(error.value)


@pytest.mark.parametrize(("query", "kept"), [("", True), ("?prepared_statements=off", False)])
def test_a_statement_is_prepared_on_the_server_unless_the_url_forbids_it(
    direct_db: Database, postgres_ledger_url: str, query: str, kept: bool
) -> None:
    db = Database(postgres_ledger_url + query)
    try:
        for _ in range(8):
            assert [row.n for row in db.execute("SELECT %(n)s::int AS n", {"n": 7})] == [7]
        counted = db.execute("SELECT count(*) AS n FROM pg_prepared_statements", {})
        assert (counted[0].n > 0) is kept
    finally:
        db.close()


def test_a_statement_of_its_own_is_committed_and_leaves_its_connection_as_it_was(postgres_db: Database) -> None:
    for number in range(30):  # the pool has fewer
        postgres_db.execute("INSERT INTO paused_queues VALUES (%(q)s, now()) RETURNING queue", {"q": f"q{number}"})

    def undone() -> None:
        with postgres_db.transaction() as connection:
            connection.exec_driver_sql("DELETE FROM paused_queues")
            raise Oops

    with pytest.raises(Oops):
        undone()
    assert postgres_db.execute("SELECT count(*) AS n FROM paused_queues", {})[0].n == 30


def test_a_statement_of_its_own_survives_the_end_of_its_session(postgres_db: Database) -> None:
    postgres_db.execute("SELECT 1 AS n", {})
    with pytest.raises(LedgerUnavailable):
        postgres_db.execute("SELECT pg_terminate_backend(pg_backend_pid())", {})
    assert postgres_db.execute("SELECT 1 AS n", {})[0].n == 1


def test_a_mistake_in_a_statement_of_its_own_is_no_outage(postgres_db: Database) -> None:
    with pytest.raises(psycopg.errors.UndefinedColumn):
        postgres_db.execute("SELECT nothing_like_it", {})
    assert postgres_db.execute("SELECT 1 AS n", {})[0].n == 1
