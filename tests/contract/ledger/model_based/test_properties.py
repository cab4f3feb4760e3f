"""Any acts in any order: one winner each claim, no lost dependent, no job that never ends."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from bureau.ledger.db.database import Database
from tests.contract.ledger.model_based.machine import LedgerMachine

PLAIN = settings(
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def machine_on(db: Database) -> type[LedgerMachine]:
    class OnThisDatabase(LedgerMachine):
        def __init__(self) -> None:
            super().__init__(db)

    return OnThisDatabase


@pytest.mark.parametrize("examples", [10, pytest.param(40, marks=pytest.mark.long)])
def test_on_sqlite(sqlite_db: Database, examples: int) -> None:
    many = settings(PLAIN, max_examples=examples, stateful_step_count=40)
    run_state_machine_as_test(machine_on(sqlite_db), settings=many)


@pytest.mark.parametrize("examples", [4, pytest.param(10, marks=pytest.mark.long)])
def test_on_postgresql(postgres_db: Database, examples: int) -> None:
    fewer = settings(PLAIN, max_examples=examples, stateful_step_count=30)
    run_state_machine_as_test(machine_on(postgres_db), settings=fewer)
