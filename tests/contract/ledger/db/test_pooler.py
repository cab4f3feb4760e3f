"""A pooler in transaction mode gives each transaction another session: nothing is lost of what a session would keep."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bureau.contracts.ids import new_id
from bureau.ledger.db.database import FROZEN_MS, Database
from bureau.ledger.db.migrate import migrate
from bureau.ledger.jobs.claim import Claim, claim_batch
from bureau.ledger.jobs.finish import ClaimOutcome, finish_batch
from bureau.ledger.jobs.outcome import Succeeded
from bureau.ledger.jobs.submit import NewJob, NewTask
from bureau.ledger.submissions.batch import submit_batch
from bureau.ledger.submissions.submission import Submission
from tests.support.servers.pgbouncer import PgBouncer

GUARD = "SELECT current_setting('idle_in_transaction_session_timeout'), current_setting('statement_timeout')"
JOBS = 40


@pytest.fixture(scope="module", params=["refuses options", "drops options"])
def pooler(request: pytest.FixtureRequest, postgres_server: str) -> Iterator[PgBouncer]:
    """Two sessions for all: what one transaction left in a session, another one meets."""
    with PgBouncer(postgres_server, ignoring=request.param == "drops options", sessions=2) as pooler:
        yield pooler


@pytest.fixture
def db(pooler: PgBouncer, postgres_url: str) -> Iterator[Database]:
    db = Database(pooler.url(postgres_url))
    migrate(db)
    yield db
    db.close()


def test_jobs_are_submitted_claimed_and_finished_through_it(db: Database) -> None:
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda _number: whole_job(db), range(JOBS)))
    assert done == [True] * JOBS
    with db.read() as connection:
        states = connection.exec_driver_sql("SELECT state, count(*) FROM jobs GROUP BY 1").all()
    assert [tuple(one) for one in states] == [("succeeded", JOBS)]


def test_a_transaction_of_a_frozen_process_is_ended_there_too(db: Database) -> None:
    for _ in range(3):
        with db.transaction() as connection:
            assert connection.exec_driver_sql(GUARD).one()[0] == f"{FROZEN_MS // 1000}s"


def test_a_statement_has_its_timeout_also_outside_of_transactions(db: Database) -> None:
    timed = db.with_timeout(5.0)
    try:
        for _ in range(2):
            with timed.transaction() as connection:
                assert connection.exec_driver_sql(GUARD).one()[1] == "5s"
            with timed.read() as connection:
                assert connection.exec_driver_sql(GUARD).one()[1] == "5s"
    finally:
        timed.close()


def test_nothing_of_it_is_left_for_whoever_has_the_session_next(db: Database) -> None:
    with db.transaction():
        pass
    with db.read() as connection:
        assert connection.exec_driver_sql(GUARD).one()[0] == "0"


def whole_job(db: Database) -> bool:
    job = NewJob(new_id(), "ann", "task", "Add", (NewTask("add", "shop.add", "shop", {}),))
    submit_batch(db, [Submission(job)])
    with db.read() as connection:
        ids = connection.exec_driver_sql("SELECT id FROM tasks WHERE job_id = %s", (job.id,)).scalars().all()
    (claim,) = claim_batch(db, [(ids[0], "shop.add")], queue="shop", worker="w")
    assert isinstance(claim, Claim)
    finish_batch(db, [ClaimOutcome(claim, Succeeded({}))])
    return True
