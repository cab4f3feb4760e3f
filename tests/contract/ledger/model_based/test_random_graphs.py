"""Jobs of any shape end as a simple reference says, whatever happens to their messages, workers and people."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bureau.ledger.db.database import Database
from bureau.storage import Storage
from tests.support.graphs.drawn import DrawnJob, drawn_jobs
from tests.support.graphs.world import World

PLAIN = settings(
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
seeds = st.integers(0, 2**32 - 1)  # not st.randoms(): two claims that end together draw in any order


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage.from_url(f"file://{tmp_path}/storage")


def live(db: Database, storage: Storage, examples: int) -> None:
    @given(job=drawn_jobs(), seed=seeds)
    @settings(PLAIN, max_examples=examples)
    def lives(job: DrawnJob, seed: int) -> None:
        World(db, storage, job, Random(seed)).live()

    lives()


@pytest.mark.parametrize("examples", [6, pytest.param(20, marks=pytest.mark.long)])
def test_on_sqlite(sqlite_db: Database, storage: Storage, examples: int) -> None:
    live(sqlite_db, storage, examples)


@pytest.mark.parametrize("examples", [3, pytest.param(8, marks=pytest.mark.long)])
def test_on_postgresql(postgres_db: Database, storage: Storage, examples: int) -> None:
    live(postgres_db, storage, examples)
