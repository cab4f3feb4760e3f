"""Many more random jobs than `make test` lives through: other ones every time."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bureau.ledger.db.database import Database
from bureau.ledger.db.migrate import migrate
from bureau.storage import Storage
from tests.support.faults.patience import ROUNDS
from tests.support.graphs.drawn import DrawnJob, drawn_jobs
from tests.support.graphs.world import World

JOBS_A_ROUND = 25


@pytest.fixture
def ledger(postgres_url: str) -> Database:
    db = Database(postgres_url)
    migrate(db)
    return db


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_random_jobs_end_as_the_reference_says(ledger: Database, tmp_path: Path) -> None:
    storage = Storage.from_url(f"file://{tmp_path}/storage")

    @given(job=drawn_jobs(), seed=st.integers(0, 2**32 - 1))
    @settings(
        database=None,
        max_examples=JOBS_A_ROUND * max(ROUNDS, 1),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    def all_of_them(job: DrawnJob, seed: int) -> None:
        World(ledger, storage, job, Random(seed)).live()

    all_of_them()
    ledger.close()
