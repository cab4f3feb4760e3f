"""Runs a drawn job to its end: relay, duplicate and lost messages, two workers that die, people who cancel."""

from collections import Counter
from random import Random
from uuid import UUID

from sqlalchemy import update

from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import tasks
from bureau.ledger.dispatch import hints
from bureau.ledger.dispatch.hints import Hint
from bureau.ledger.jobs import cancel, leases
from bureau.ledger.jobs.cancel import Cancelling
from bureau.ledger.jobs.retry_job import Retrying, retry
from bureau.stop_token import StopReason
from bureau.storage import Storage
from tests.support.graphs import reference
from tests.support.graphs.drawn import Comes, DrawnJob, DrawnTask
from tests.support.graphs.reference import Ends
from tests.support.graphs.workers import Execution, runner_on
from tests.support.ledger.book import Book, no_jitter
from tests.support.ledger.ledgers import empty
from tests.support.ledger.soundness import assert_sound

LOST = 0.1  # of the messages
DOUBLED = 0.4


class World:
    """Simulates a job's world. `live` runs the whole job; `random` decides who moves next."""

    def __init__(self, db: Database, storage: Storage, job: DrawnJob, random: Random) -> None:
        empty(db)
        self._db = db
        self._book = Book(db)
        self._job = job
        self._random = random
        self._runners = [runner_on(db, storage, worker) for worker in ("w1", "w2")]
        self._id = self._book.submit(*(one.submitted() for one in job.tasks))
        rows = self._book.tasks(self._id)
        self._tasks: dict[UUID, DrawnTask] = {row.id: one for row, one in zip(rows, job.tasks, strict=True)}
        self._messages: list[Hint] = []
        self._running: list[Execution] = []
        self._silent: list[Execution] = []  # their claims are lost, their threads go on some time
        self._begun: Counter[str] = Counter()  # claims of each task, in this life
        self._ended: Ends = {}  # what ran to its end, in this life
        self._tokens: dict[str, str] = {}

    def live(self) -> None:
        """Through all of its lives, each of which must end as the reference says."""
        kept: Ends = {}
        for life, cancelled_after in enumerate(self._job.cancelled_after):
            expected = self._live_once(life, kept, cancelled_after)
            self._compare(life, kept, expected)
            kept = {name: end for name, end in expected.items() if end == "succeeded"}
            if reference.job_end(self._job.tasks, expected) == "succeeded":
                assert retry(self._db, self._id, "ada") is Retrying.SUCCEEDED
                break
            if life + 1 < len(self._job.cancelled_after):
                assert retry(self._db, self._id, "ada") is Retrying.RETRIED
        self._wake_the_silent(len(self._silent))
        assert_sound(self._db)

    # -- one life ------------------------------------------------------------------------------------------------

    def _live_once(self, life: int, kept: Ends, cancelled_after: int | None) -> Ends:
        """Until nothing moves any more; how the reference says that it ends."""
        self._begun.clear()
        self._ended = {}
        expected = reference.ends(self._job.tasks, life, kept)
        steps = 0
        while self._step(life):
            steps += 1
            if steps == cancelled_after and self._book.job(self._id).state == "open":
                expected = self._cancel(life, kept)
            assert steps < 2000, "it does not come to an end"
        return expected

    def _step(self, life: int) -> bool:
        """Somebody moves; False when nobody can."""
        if self._running and self._random.random() < 0.5:
            self._end_some(life)
        elif self._silent and self._random.random() < 0.1:
            self._wake_the_silent(1)
        elif self._messages and self._random.random() < 0.8:
            self._deliver()
        else:
            self._relay()
        if self._messages or self._running:
            return True
        self._time_passes()
        self._relay(lossless=True)
        return bool(self._messages)

    def _relay(self, *, lossless: bool = False) -> None:
        for hint in hints.reserve_due(self._db, "shop", self._random.randint(1, 12)).hints:
            if lossless or self._random.random() >= LOST:
                self._messages += [hint] * (2 if self._random.random() < DOUBLED else 1)

    def _deliver(self) -> None:
        """A message, of any age, to one of the workers."""
        hint = self._messages.pop(self._random.randrange(len(self._messages)))
        execution = Execution(self._random.choice(self._runners), hint.run, hint.task_id)
        if execution.begin():
            self._running.append(execution)
            self._begun[self._tasks[execution.task_id].name] += 1

    def _end_some(self, life: int) -> None:
        """One that runs, or several at the same moment."""
        self._random.shuffle(self._running)
        count = self._random.randint(1, min(3, len(self._running)))
        ending, self._running = self._running[:count], self._running[count:]
        alive = [execution for execution in ending if self._comes(execution, life) is not Comes.CRASH]
        for execution in alive:
            self._note_end(execution, life)
            execution.let_end(self._comes(execution, life))
        for execution in alive:
            execution.finish()
        for execution in ending:
            if execution not in alive:
                self._note_end(execution, life)
                self._crash(execution)

    def _crash(self, execution: Execution) -> None:
        self._book.end_lease(execution.task_id)
        assert leases.expire(self._db, no_jitter).tasks == 1
        self._silent.append(execution)

    def _wake_the_silent(self, count: int) -> None:
        """Workers thought dead finish what is not theirs any more."""
        for _ in range(count):
            execution = self._silent.pop(self._random.randrange(len(self._silent)))
            execution.let_end(self._random.choice([Comes.RESULT, Comes.REFUSAL, Comes.ERROR, Comes.HANDED_BACK]))
            execution.finish()

    def _time_passes(self) -> None:
        """What is put off is due, and hints that nobody claimed are lost."""
        with self._db.transaction() as connection:
            ready = tasks.c.state == "ready"
            connection.execute(update(tasks).where(ready).values(due_at=later(-1)))
            connection.execute(
                update(tasks).where(ready, tasks.c.hinted_at.is_not(None)).values(hinted_at=later(-4000))
            )
        hints.requeue_lost(self._db, [])

    def _comes(self, execution: Execution, life: int) -> Comes:
        one = self._tasks[execution.task_id]
        return one.scripts[life][self._begun[one.name] - 1]

    def _note_end(self, execution: Execution, life: int) -> None:
        """What the script says becomes of it, where that is its end."""
        one = self._tasks[execution.task_id]
        claims, end = reference.claims_and_end(one.scripts[life], one.attempts)
        if self._begun[one.name] == claims:
            self._ended[one.name] = end
        if self._comes(execution, life) is Comes.RESULT:
            self._tokens[one.name] = execution.token

    # -- cancel --------------------------------------------------------------------------------------------------

    def _cancel(self, life: int, kept: Ends) -> Ends:
        """What runs hears of it, falls silent, or goes on to the end of its script."""
        running, self._running = self._running, []
        assert cancel.cancel(self._db, self._id, "ada") is Cancelling.CANCELLED
        ended = {**kept, **self._ended}
        found = {self._tasks[execution.task_id].name: self._end_asked(execution, life) for execution in running}
        return reference.ends_when_cancelled(self._job.tasks, ended, found)

    def _end_asked(self, execution: Execution, life: int) -> str:
        one, comes = self._tasks[execution.task_id], self._comes(execution, life)
        heard, silent = self._random.random() < 0.3, self._random.random() < 0.3
        if silent or comes is Comes.CRASH:
            self._crash(execution)
            return "cancelled"
        execution.let_end(StopReason.CANCELLED if heard else comes)
        execution.finish()
        if heard:
            return "cancelled"
        if comes is Comes.RESULT:
            self._tokens[one.name] = execution.token
        return reference.end_where_asked_to_stop(one.scripts[life], self._begun[one.name], one.attempts)

    # -- the reckoning -------------------------------------------------------------------------------------------

    def _compare(self, life: int, kept: Ends, expected: Ends) -> None:
        rows = {row.name: row for row in self._book.tasks(self._id)}
        assert {name: row.state for name, row in rows.items()} == expected
        assert self._book.job(self._id).state == reference.job_end(self._job.tasks, expected)
        for one in self._job.tasks:
            ran = self._begun[one.name]
            if one.name in kept or expected[one.name] == "skipped":
                assert ran == 0, f"{one.name} was not to run"
            elif one.name in self._ended:
                assert ran == reference.claims_and_end(one.scripts[life], one.attempts)[0]
            elif expected[one.name] != "cancelled":
                assert ran > 0, f"{one.name} was to run"
            if expected[one.name] == "succeeded":
                assert rows[one.name].result == self._tokens[one.name], "the result of one claim, and of no other"
        assert self._book.story(self._id).count("job.finished") == life + 1
        assert_sound(self._db)
