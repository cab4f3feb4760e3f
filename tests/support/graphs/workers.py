"""Runs workers whose every move the test decides: a thread for each hint, which halts where its task begins."""

import threading
from uuid import UUID

from bureau.contracts.errors import PermanentError, Postponed, TransientError
from bureau.ledger.db.database import Database
from bureau.runtime.heartbeat import Heartbeat
from bureau.runtime.runner import Runner
from bureau.stop_token import StopReason
from bureau.storage import Storage
from bureau.task import Context, Task
from tests.support.graphs.drawn import Comes

WAIT_SECONDS = 60.0


class Execution(threading.Thread):
    """Runs a hint in a worker. `ctx` exists once the task has begun; without a claim it never does."""

    def __init__(self, runner: Runner, run: str, task_id: UUID) -> None:
        super().__init__(daemon=True)
        self.task_id = task_id
        self.ctx: Context | None = None
        self._runner = runner
        self._run = run
        self._halted = threading.Event()
        self._go_on = threading.Event()
        self._comes: Comes | StopReason = Comes.RESULT

    def begin(self) -> bool:
        """Whether it claimed its task, which then has begun."""
        self.start()
        assert self._halted.wait(WAIT_SECONDS)
        return self.ctx is not None

    def let_end(self, comes: Comes | StopReason) -> None:
        """Goes on; `finish` waits for its end."""
        self._comes = comes
        self._go_on.set()

    def finish(self) -> None:
        self.join(WAIT_SECONDS)
        assert not self.is_alive()

    @property
    def token(self) -> str:
        """What this claim, and no other, returns."""
        assert self.ctx is not None
        return f"{self.task_id} {self.ctx.claim_no}"

    def run(self) -> None:
        try:
            self._runner.execute(self._run, self.task_id)
        finally:
            self._halted.set()

    def at_work(self, ctx: Context) -> str:
        """What the task's function does, in this thread."""
        self.ctx = ctx
        self._halted.set()
        assert self._go_on.wait(WAIT_SECONDS)
        match self._comes:
            case Comes.ERROR:
                raise TransientError("broken", "It broke.", retry_after=0)
            case Comes.REFUSAL:
                raise PermanentError("refused", "It was refused.")
            case Comes.PUT_OFF:
                raise Postponed("later", "Not now.", delay=0)
            case Comes.HANDED_BACK:
                ctx.stop.set(StopReason.SHUTDOWN)
            case StopReason() as reason:
                ctx.stop.set(reason)
        ctx.stop.check()
        return self.token


def work(ctx: Context) -> str:
    """The task of every drawn job."""
    execution = threading.current_thread()
    assert isinstance(execution, Execution)
    return execution.at_work(ctx)


class _Silent:
    def wake(self) -> None:
        """The test looks by itself."""


def runner_on(db: Database, storage: Storage, worker: str) -> Runner:
    tasks = {"shop.work": Task("shop.work", work)}
    beat = Heartbeat(db, grace_seconds=25)  # never started: leases end, and tasks are asked to stop, when a test says
    return Runner("shop", worker, tasks, db=db, storage=storage, heartbeat=beat, relay=_Silent(), threads=4)
