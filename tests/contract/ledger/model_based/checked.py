"""The part of the machine that looks: after each act, and at the end, when the workers go on until all is done."""

from typing import Any
from uuid import UUID

from hypothesis.stateful import RuleBasedStateMachine, invariant
from sqlalchemy import Row, update

from bureau.contracts.jobs.states import ENDED, JobState, TaskState
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import tasks
from bureau.ledger.jobs import leases
from bureau.ledger.jobs.finish import FinishResult
from bureau.ledger.jobs.outcome import Succeeded
from tests.contract.ledger.model_based.model import ModelJob, all_tasks
from tests.support.ledger.book import Book, no_jitter
from tests.support.ledger.ledgers import empty
from tests.support.ledger.soundness import assert_sound


class CheckedMachine(RuleBasedStateMachine):
    """A ledger beside its model."""

    def __init__(self, db: Database) -> None:
        super().__init__()
        empty(db)
        self.db = db
        self.book = Book(db)
        self.jobs: list[ModelJob] = []
        self.ended: dict[UUID, Row[Any]] = {}  # as each task stood when it had ended

    @invariant()
    def the_ledger_is_sound(self) -> None:
        assert_sound(self.db)

    @invariant()
    def the_ledger_stands_as_the_model_says(self) -> None:
        for job in self.jobs:
            assert self.book.job(job.id).state == job.state
            for row in self.book.tasks(job.id):
                one = job.tasks[row.name]
                assert (row.name, row.state, row.claim_no) == (one.name, one.state, one.claim_no)
                assert (row.failures, row.crashes) == (one.failures, one.crashes)
                if one.state is TaskState.RUNNING:
                    assert (row.stop_requested_at is not None) == one.asked_to_stop
                if one.state is TaskState.READY:
                    assert (row.hinted_at is not None) == one.hinted

    @invariant()
    def what_ended_never_changes(self) -> None:
        for job in self.jobs:
            for row in self.book.tasks(job.id):
                if row.state in ENDED:
                    assert self.ended.setdefault(row.id, row) == row

    def change(self, where: Any, **values: Any) -> None:
        """Changes tasks behind the ledger's back."""
        with self.db.transaction() as connection:
            connection.execute(update(tasks).where(where).values(**values))

    def teardown(self) -> None:
        """No job is stuck: the workers go on, and all of them end as the model says."""
        self._lose_what_runs()
        for _ in range(len(all_tasks(self.jobs))):
            self.change(tasks.c.state == TaskState.READY, due_at=later(-1))
            for job, one in all_tasks(self.jobs):
                if one.state is TaskState.READY:
                    claimed = self.book.take(job.id, one.name)
                    one.claimed()
                    assert (
                        self.book.finish(claimed).fate
                        is job.finish(one, one.claim_no, Succeeded(None))
                        is FinishResult.DONE
                    )
        assert all(job.state is not JobState.OPEN for job in self.jobs)
        self.the_ledger_stands_as_the_model_says()
        self.what_ended_never_changes()
        assert_sound(self.db)

    def _lose_what_runs(self) -> None:
        """Every worker falls silent."""
        self.change(tasks.c.state == TaskState.RUNNING, lease_until=later(-1))
        leases.expire(self.db, no_jitter)
        for job, one in all_tasks(self.jobs):
            if one.state is TaskState.RUNNING:
                job.crash(one)
