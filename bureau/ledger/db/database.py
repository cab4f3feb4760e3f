"""Manages connections and transactions. The engine is created on first use, so that a process can fork before."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bureau.ledger.db.connecting.outages import LOST, is_outage
from bureau.ledger.db.connecting.sessions import Sessions
from bureau.ledger.db.job_end import JobEnded, Listener
from bureau.ledger.db.metadata import sqlite_json
from bureau.secrets.redaction import scrub_cut

SQLITE_BUSY_SECONDS = 10
HOT_CONNECTIONS = 8  # threads that come together share a transaction, so a process rarely uses more than three
# PostgreSQL ends the session of a process that froze in the middle of a transaction, and releases its locks, before the
# leases of that process expire: else taking its tasks back would wait for a lock of the frozen process.
FROZEN_MS = 20_000
# The URL may contain `prepared_statements=on` or `off`. Without it statements are prepared, unless a pooler gives each
# transaction another session: PgBouncer before 1.21 does not know them. Statements rely on no other state of a session.
PREPARED = "prepared_statements"
_PREPARED = {"on": True, "off": False}

_WORDS = 300  # characters of what a database says


class LedgerUnavailable(Exception):
    """Says that the ledger does not answer: the transaction did not happen, or its answer was lost. Try again.

    Its message is for people who operate Bureau: it names the server and repeats what it said.
    """


class Database:
    """Gives access to one database: `transaction()` writes, `read()` reads.

    SQLite has one writer: a lock in this class queues the threads of this process, BEGIN IMMEDIATE those of others
    (a deferred transaction that reads, then writes, fails at once in spite of busy_timeout).
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_seconds: float | None = None,
        pool_size: int = 20,
        job_ended: Listener | None = None,
        keeps_plans: bool = False,
    ) -> None:
        """Connects on first use.

        `job_ended` is called for each job whose end was committed through this object. `keeps_plans`: see `hot`.
        """
        self._url: URL = make_url(url)
        self._job_ended = job_ended
        self._timeout_seconds = timeout_seconds
        self._pool_size = pool_size
        self._keeps_plans = keeps_plans
        self._hot: Database | None = None
        self._pools = [self]  # those of one server: an outage that one of them sees concerns all
        self._engine: Engine | None = None
        self._sessions: Sessions | None = None  # on PostgreSQL
        self._making = threading.Lock()
        self._writer = threading.Lock()
        self.is_sqlite = self._url.get_backend_name() == "sqlite"

    def with_timeout(self, seconds: float) -> "Database":
        """Returns the same database on separate connections, whose statements time out after `seconds`.

        On SQLite it returns this object: there is one writer in any case, and all threads share its lock.
        """
        if self.is_sqlite:
            return self
        url = self._url.render_as_string(hide_password=False)
        return Database(url, timeout_seconds=seconds, pool_size=4, job_ended=self._job_ended)

    @property
    def hot(self) -> "Database":
        """Returns the same database on connections for hot statements, which find their rows by keys.

        There PostgreSQL plans a prepared statement once and finds rows by their index, however small a table was then.
        On other connections it planned most of them anew each time, because it takes a plan for four ids to be cheaper
        than one for any number; planning took several times as long as execution.
        """
        if self.is_sqlite:
            return self
        with self._making:
            if self._hot is None:
                url = self._url.render_as_string(hide_password=False)
                self._hot = Database(
                    url,
                    timeout_seconds=self._timeout_seconds,
                    pool_size=HOT_CONNECTIONS,
                    job_ended=self._job_ended,
                    keeps_plans=True,
                )
                self._pools.append(self._hot)
                self._hot._pools = self._pools
            return self._hot

    def __repr__(self) -> str:
        return f"Database({self._url.render_as_string(hide_password=True)})"

    @property
    def engine(self) -> Engine:
        with self._making:
            if self._engine is None:
                self._engine = self._sqlite() if self.is_sqlite else self._postgresql()
            return self._engine

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Commits when the block ends, rolls back when it raises. Raises `LedgerUnavailable`."""
        if not self.is_sqlite:
            with self._connected(), self.engine.begin() as connection:
                yield connection
            return
        with self._writer, self._connected(), self.engine.connect() as connection:
            connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Reads one consistent snapshot on SQLite. On PostgreSQL each statement sees all earlier commits.

        PostgreSQL runs each statement without BEGIN and COMMIT, which would be two of three round trips. Only where a
        statement has a timeout and there is a pooler, a transaction carries the timeout.
        """
        if not self.is_sqlite and not self._timeout_needs_transaction:
            with self._connected(), self.engine.connect() as connection:
                yield connection.execution_options(isolation_level="AUTOCOMMIT")
            return
        with self._connected(), self.engine.begin() as connection:
            yield connection

    @property
    def _timeout_needs_transaction(self) -> bool:
        return self._timeout_seconds is not None and self._sessions is not None and self._sessions.pooled

    def execute(self, text: str, values: Mapping[str, Any]) -> list[Any]:
        """Runs one statement as its own transaction, on PostgreSQL only. Returns its rows.

        The statement goes directly to the driver, which prepares it once: BEGIN and COMMIT would be two more round
        trips, and SQLAlchemy half of what a hot statement costs this process. Raises `LedgerUnavailable`.
        """
        from psycopg.rows import namedtuple_row

        with self.autocommit() as driver:
            return list(driver.cursor(row_factory=namedtuple_row).execute(text.encode(), values).fetchall())

    @contextmanager
    def autocommit(self) -> Iterator[Any]:
        """Gives a connection of the driver on which each statement is a transaction, on PostgreSQL only.

        Raises `LedgerUnavailable`.
        """
        # Imported here, because a process whose ledger is in SQLite does not need the 9 MB that psycopg takes.
        import psycopg

        with self._connected():
            try:
                pooled = self.engine.raw_connection()  # the errors of a raw connection are the driver's
                try:
                    driver: psycopg.Connection[Any] = cast("Any", pooled.driver_connection)
                    driver.autocommit = True
                    try:
                        yield driver
                    finally:
                        if not driver.closed:
                            driver.autocommit = False
                finally:
                    pooled.close()
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                self._drop_lost(error)
                raise self._unavailable(error) from error

    def ping(self) -> None:
        """Checks that the database answers. Raises `LedgerUnavailable` if it does not."""
        with self.read() as connection:
            connection.execute(text("SELECT 1"))

    def lock_queue(self, connection: Connection, name: str) -> None:
        """Takes the lock `name` until the transaction ends. SQLite needs none: it has one writer anyway."""
        if not self.is_sqlite:
            connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"bureau.{name}"}
            )

    def notify_ended(self, ended: JobEnded | None) -> None:
        """Calls `job_ended`; to be called after the commit of a transaction that may have ended a job."""
        if ended is not None and self._job_ended is not None:
            self._job_ended(ended)

    def close(self) -> None:
        if self._hot is not None:
            self._hot.close()
        if self._engine is not None:
            self._engine.dispose()

    @contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, PoolTimeoutError) as error:
            if is_outage(error):
                self._drop_lost(getattr(error, "orig", None))
                raise self._unavailable(getattr(error, "orig", None) or error) from error
            raise

    def _drop_lost(self, error: BaseException | None) -> None:
        """Closes the idle connections of all pools if the server was lost.

        They are lost too, and the next request on each would fail once more after the server is back.
        """
        state = getattr(error, "sqlstate", None) or ""
        if error is None or self.is_sqlite or (state and not state.startswith(LOST)):
            return
        for pool in self._pools:
            if pool._engine is not None:
                pool._engine.dispose()

    def _unavailable(self, error: BaseException) -> LedgerUnavailable:
        """Returns the error that says where the database is and what it said, without a password.

        Of what it said the first line is enough; the next ones may name other processes, and change each time.
        """
        first, *others = str(error).strip().splitlines() or [type(error).__name__]
        words = " ".join([first, *others] if first.startswith("Multiple connection attempts") else [first])
        return LedgerUnavailable(scrub_cut(f"{self._place}: {' '.join(words.split())}", _WORDS))

    @property
    def _place(self) -> str:
        if self.is_sqlite:
            return f"SQLite in {self._url.database}"
        return (
            f"PostgreSQL at {self._url.host or self._url.query.get('host', 'a local socket')}:{self._url.port or 5432}"
        )

    def _postgresql(self) -> Engine:
        arguments: dict[str, Any] = {"connect_timeout": 5, "application_name": "bureau", "tcp_user_timeout": 10_000}
        in_transaction = {"idle_in_transaction_session_timeout": str(FROZEN_MS)}
        if self._timeout_seconds is not None:
            milliseconds = int(self._timeout_seconds * 1000)
            in_transaction["statement_timeout"] = str(milliseconds)
            arguments["tcp_user_timeout"] = milliseconds
        per_session = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"} if self._keeps_plans else {}
        self._sessions = Sessions(in_transaction, per_session, _PREPARED.get(str(self._url.query.get(PREPARED))))
        engine = create_engine(
            self._url.difference_update_query([PREPARED]),
            connect_args=arguments,
            pool_size=self._pool_size,
            max_overflow=0,
            pool_timeout=30,
            hide_parameters=True,  # parameters hold inputs, which do not belong in logs
        )
        self._sessions.listen(engine)
        return engine

    def _sqlite(self) -> Engine:
        if self._url.database and self._url.database != ":memory:":
            Path(self._url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            self._url,
            connect_args={"timeout": self._timeout_seconds or SQLITE_BUSY_SECONDS, "check_same_thread": False},
            pool_size=self._pool_size,
            max_overflow=0,
            hide_parameters=True,
            json_serializer=sqlite_json,
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is sent explicitly
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))
