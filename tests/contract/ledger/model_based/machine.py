"""Workers, relays, schedulers and people act on a ledger in any order; after each act it stands as the model says."""

from datetime import UTC, datetime

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy import update

from bureau.contracts.jobs.states import JobState, TaskState, When
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import jobs, tasks
from bureau.ledger.dispatch import hints
from bureau.ledger.dispatch.hints import Hint
from bureau.ledger.jobs import cancel as act
from bureau.ledger.jobs import leases, progress
from bureau.ledger.jobs.cancel import Cancelling
from bureau.ledger.jobs.claim import Claim, claim
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.leases import LeaseStatus
from bureau.ledger.jobs.outcome import Cancelled, Outcome, Released, Succeeded
from bureau.ledger.jobs.retry_job import Retrying, retry
from bureau.ledger.jobs.submit import NewTask
from tests.contract.ledger.model_based.checked import CheckedMachine
from tests.contract.ledger.model_based.model import ModelJob, ModelTask, all_tasks
from tests.support.ledger.book import again, failed, no_jitter, task
from tests.support.together import together

JOBS_AT_MOST = 4
TASKS_AT_MOST = 5
AHEAD_SECONDS = 3600.0
FAR_AHEAD = datetime(2199, 1, 1, tzinfo=UTC)

pick = st.integers(0, 1000)
endings: st.SearchStrategy[Outcome] = st.sampled_from(
    [
        Succeeded(1),
        Succeeded(1),
        failed(),
        again(),
        again(AHEAD_SECONDS),
        again(counted=False),
        Released(),
        Cancelled(),
    ]
)


@st.composite
def graphs(draw: st.DrawFn) -> list[NewTask]:
    """Small graphs without a cycle: a task comes after some of those before it."""
    count = draw(st.integers(1, TASKS_AT_MOST))
    names = [f"t{n}" for n in range(count)]
    new = []
    for n, name in enumerate(names):
        after = sorted(draw(st.sets(st.sampled_from(names[:n])))) if n else []
        when = draw(st.sampled_from(When)) if after else When.SUCCEEDED
        new.append(task(name, " ".join(after), when=when, optional=draw(st.booleans())))
    return new


class LedgerMachine(CheckedMachine):
    """The acts, each done to the ledger and to the model."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self.claims: list[tuple[ModelJob, ModelTask, Claim]] = []  # every claim there ever was
        self.batch: tuple[Hint, ...] = ()

    # -- picking -------------------------------------------------------------------------------------------------

    def a_job(self, number: int) -> ModelJob:
        return self.jobs[number % len(self.jobs)]

    def a_task(self, number: int) -> tuple[ModelJob, ModelTask]:
        known = all_tasks(self.jobs)
        return known[number % len(known)]

    def held(self) -> list[tuple[ModelJob, ModelTask, Claim]]:
        return [(job, one, claimed) for job, one, claimed in self.claims if one.holds(claimed.claim_no)]

    # -- people --------------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.jobs) < JOBS_AT_MOST)
    @rule(new=graphs(), at_once=st.sampled_from([True, True, False]), expires=st.booleans())
    def submit(self, new: list[NewTask], at_once: bool, expires: bool) -> None:
        job_id = self.book.submit(
            *new,
            delay_seconds=None if at_once else AHEAD_SECONDS,
            expires_at=FAR_AHEAD if expires else None,
        )
        known = {
            row.name: ModelTask(row.id, row.name, tuple(row.after), When(row.when), row.optional)
            for row in self.book.tasks(job_id)
        }
        job = ModelJob(job_id, known, starts_at_once=at_once, may_expire=expires)
        job.settle()
        self.jobs.append(job)

    @precondition(lambda self: self.jobs)
    @rule(number=pick)
    def cancel(self, number: int) -> None:
        job = self.a_job(number)
        found = act.cancel(self.db, job.id, "ada")
        if job.cancel_requested:
            assert found is Cancelling.ALREADY
        elif job.state is not JobState.OPEN:
            assert found is Cancelling.ENDED
        else:
            assert found is Cancelling.CANCELLED
            job.cancel_requested = True
            job.stop()

    @precondition(lambda self: self.jobs)
    @rule(number=pick)
    def retry(self, number: int) -> None:
        job = self.a_job(number)
        expected = {JobState.OPEN: Retrying.NOT_ENDED, JobState.SUCCEEDED: Retrying.SUCCEEDED}
        assert retry(self.db, job.id, "ada") is expected.get(job.state, Retrying.RETRIED)
        if job.state in (JobState.FAILED, JobState.CANCELLED):
            for one in job.tasks.values():
                self.ended.pop(one.id, None)
            job.retry()

    # -- workers -------------------------------------------------------------------------------------------------

    def _claimed(self, job: ModelJob, one: ModelTask, claimed: Claim | None) -> None:
        assert (claimed is not None) == one.claimable
        if claimed is not None:
            one.claimed()
            assert claimed.claim_no == one.claim_no
            self.claims.append((job, one, claimed))

    @precondition(lambda self: self.jobs)
    @rule(number=pick)
    def claim(self, number: int) -> None:
        job, one = self.a_task(number)
        self._claimed(job, one, claim(self.db, one.id, queue="shop", worker="w"))

    @precondition(lambda self: self.jobs)
    @rule(number=pick)
    def claim_together(self, number: int) -> None:
        job, one = self.a_task(number)
        won = [c for c in together(3, lambda n: claim(self.db, one.id, queue="shop", worker=f"w{n}")) if c]
        assert len(won) <= 1
        self._claimed(job, one, won[0] if won else None)

    @precondition(lambda self: self.claims)
    @rule(number=pick, ending=endings)
    def finish(self, number: int, ending: Outcome) -> None:
        job, one, claimed = self.claims[number % len(self.claims)]
        assert self.book.finish(claimed, ending).fate is job.finish(one, claimed.claim_no, ending)

    @precondition(lambda self: self.held())
    @rule(number=pick, ending=endings)
    def finish_held(self, number: int, ending: Outcome) -> None:
        job, one, claimed = self.held()[number % len(self.held())]
        assert self.book.finish(claimed, ending).fate is job.finish(one, claimed.claim_no, ending)

    @precondition(lambda self: len(self.held()) > 1)
    @rule(number=pick, given=st.tuples(endings, endings))
    def finish_together(self, number: int, given: tuple[Outcome, Outcome]) -> None:
        held = self.held()
        two = [held[number % len(held)], held[(number + 1) % len(held)]]
        together(2, lambda n: self.book.finish(two[n][2], given[n]))
        for (job, one, claimed), ending in zip(two, given, strict=True):
            job.finish(one, claimed.claim_no, ending)

    @precondition(lambda self: self.claims)
    @rule(number=pick)
    def say(self, number: int) -> None:
        job, one, _ = self.claims[number % len(self.claims)]
        progress.write_events(self.db, {job.id: [TaskEvent("task.logged", one.name, {"line": "said"})]})

    @precondition(lambda self: self.claims)
    @rule()
    def renew_and_ask(self) -> None:
        asked = [(one.id, claimed.claim_no) for _, one, claimed in self.claims]
        held = {(one.id, claimed.claim_no): one for _, one, claimed in self.held()}
        assert leases.renew(self.db, asked) == held.keys()
        assert leases.statuses(self.db, asked) == {
            key: (LeaseStatus.STOP if held[key].asked_to_stop else LeaseStatus.HELD)
            if key in held
            else LeaseStatus.LOST
            for key in asked
        }

    # -- relays --------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.jobs)
    @rule(window=st.integers(0, 6))
    def hint(self, window: int) -> None:
        ready = [one for _, one in all_tasks(self.jobs) if one.state is TaskState.READY]
        could = {one.id: one for one in ready if one.due and not one.hinted}
        room = max(0, window - sum(one.hinted for one in ready))
        found = hints.reserve_due(self.db, "shop", window)
        assert {hint.task_id for hint in found.hints} <= could.keys()
        assert len(found.hints) == min(room, len(could))
        assert found.more == (len(could) > room)
        for hint in found.hints:
            could[hint.task_id].hinted = True
        self.batch = found.hints or self.batch

    @precondition(lambda self: self.batch)
    @rule()
    def unreserve(self) -> None:
        rows = {row.id: row for job in self.jobs for row in self.book.tasks(job.id)}
        hints.unreserve(self.db, self.batch)
        mine = {hint.task_id for hint in self.batch if rows[hint.task_id].hinted_at == hint.stamp}
        for _, one in all_tasks(self.jobs):
            if one.id in mine and one.state is TaskState.READY:
                one.hinted = False
        self.batch = ()

    # -- time ----------------------------------------------------------------------------------------------------

    @rule()
    def hints_are_lost(self) -> None:
        self.change(tasks.c.hinted_at.is_not(None) & (tasks.c.state == TaskState.READY), hinted_at=later(-4000))
        hints.requeue_lost(self.db, [])
        for _, one in all_tasks(self.jobs):
            if one.state is TaskState.READY:
                one.hinted = False

    @rule()
    def time_passes(self) -> None:
        self.change(tasks.c.state == TaskState.READY, due_at=later(-1))
        for _, one in all_tasks(self.jobs):
            one.due = one.due or one.state is TaskState.READY

    @precondition(lambda self: self.held())
    @rule(number=pick)
    def worker_dies(self, number: int) -> None:
        job, one, _ = self.held()[number % len(self.held())]
        self.book.end_lease(one.id)
        assert leases.expire(self.db, no_jitter).tasks == 1
        job.crash(one)

    @precondition(lambda self: self.held())
    @rule()
    def embedded_starts_again(self) -> None:
        held = self.held()
        assert leases.take_back_all(self.db, no_jitter).tasks == len(held)
        for job, one, _ in held:
            job.crash(one)

    @precondition(lambda self: any(job.may_expire for job in self.jobs))
    @rule()
    def jobs_expire(self) -> None:
        self.change(tasks.c.expires_at.is_not(None) & (tasks.c.state == TaskState.READY), expires_at=later(-1))
        with self.db.transaction() as connection:
            connection.execute(update(jobs).where(jobs.c.expires_at.is_not(None)).values(expires_at=later(-1)))
        expired = [job for job in self.jobs if job.may_expire and not job.started and job.state is JobState.OPEN]
        assert act.expire_jobs(self.db) == len(expired)
        for job in expired:
            job.stop()
