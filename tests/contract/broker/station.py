"""Workers for the brokers' tests: one that only listens, one that is a whole worker process."""

from pathlib import Path
from typing import Any, Self
from uuid import UUID

import dramatiq
from dramatiq.worker import Worker

from bureau.ledger.db.database import Database
from bureau.ledger.reads import job_queries
from bureau.messaging.broker import HintBroker, MemoryBroker, hint
from bureau.messaging.relay import Relay
from bureau.runtime.worker_process import WorkerProcess
from bureau.service import Service
from bureau.storage import Storage
from bureau.task import Context, Task
from tests.support.ledger.book import Book, task
from tests.support.waiting import until

THREADS = 2
WORKER_TIMEOUT_MS = 50


class Listener:
    """Dramatiq's worker with the actor `shop.work` on a queue."""

    def __init__(self, broker: HintBroker | MemoryBroker, queue: str) -> None:
        self.broker = broker
        self.queue = queue
        self.called: list[str] = []
        dramatiq.Actor(self._work, broker=broker, actor_name="shop.work", queue_name=queue, priority=0, options={})
        self.worker = Worker(broker, worker_threads=THREADS, worker_timeout=WORKER_TIMEOUT_MS)
        self.worker.queue_prefetch = THREADS

    def _work(self, task_id: str) -> None:
        self.called.append(task_id)
        if task_id == str(UUID(int=0)):
            raise ValueError("an actor that raises")

    def __enter__(self) -> Self:
        self.broker.prepare(self.queue)
        self.worker.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.worker.stop()

    def wait_for(self, *task_ids: UUID) -> None:
        wanted = {str(task_id) for task_id in task_ids}
        until(lambda: wanted <= set(self.called), 20, lambda: self._missing(wanted))

    def _missing(self, wanted: set[str]) -> str:
        missing, waiting = wanted - set(self.called), self.broker.depth(self.queue)
        return f"{len(missing)} of {len(wanted)} hints; {waiting} wait in the queue; threads alive: {self.all_alive()}"

    def all_alive(self) -> bool:
        threads = [*self.worker.workers, *self.worker.consumers.values()]
        return len(threads) == THREADS + 1 and all(thread.is_alive() for thread in threads)


class Shop:
    """A worker process of one service, whose relay publishes what tests submit."""

    def __init__(
        self, broker: HintBroker | MemoryBroker, queue: str, db: Database, folder: Path, *, later: bool = False
    ) -> None:
        """With `later` it also has an `async def` task of this name, of which fifty run at once."""
        self.broker = broker
        self.queue = queue
        self.book = Book(db)
        self.ran: list[UUID] = []
        self.relay = Relay(db, broker, look_seconds=0.1)
        self._db = db
        tasks: list[Task[Any, Any]] = [Task(f"{queue}.work", self._work)]
        if later:
            tasks.append(Task(f"{queue}.later", self._later))
        self._process = WorkerProcess(
            [
                Service(
                    queue,
                    [Task(f"{queue}.work", self._work), *([Task(f"{queue}.later", self._later)] if later else [])],
                )
            ],
            broker=broker,
            db=db,
            storage=Storage.from_url(f"file://{folder}/storage"),
            relay=self.relay,
            threads=THREADS,
            concurrency=50,
            grace_seconds=5.0,
            supervised=False,
        )
        self._worker = Worker(broker, worker_threads=THREADS, worker_timeout=WORKER_TIMEOUT_MS)
        self._worker.queue_prefetch = self._process.prefetch

    def _work(self, ctx: Context, n: int = 0) -> int:
        self.ran.append(ctx.task_id)
        ctx.log(f"{n}")
        return n + 1

    async def _later(self, ctx: Context, n: int = 0) -> int:
        await ctx.sleep(0.05)
        return self._work(ctx, n)

    def __enter__(self) -> Self:
        """In the order of `boot`: announced before Dramatiq's worker begins to consume."""
        self.announce()
        self.consume()
        return self

    def announce(self) -> None:
        self._process.start()

    def consume(self) -> None:
        self._worker.start()

    def __exit__(self, *exc: object) -> None:
        self._process.close()
        self._worker.stop()
        self._process.stop()

    def submit(self, *names: str, queue: str = "", **terms: Any) -> UUID:
        """A chain of tasks; its relay is not told."""
        chain = [
            task(name, previous, run=f"{self.queue}.work", queue=queue or self.queue, input={"n": n})
            for n, (previous, name) in enumerate(zip(("", *names), names or ("only",), strict=False))
        ]
        return self.book.submit(*chain, **terms)

    def hint(self, run: str, job_id: UUID) -> None:
        """Publishes one more hint for the job's only task."""
        self.broker.enqueue(hint(self.queue, run, self.book.task(job_id).id))

    def wait_for_end(self, job_id: UUID, seconds: float = 30) -> str:
        until(lambda: job_queries.ended(self._db, job_id), seconds, lambda: f"the end of {self.book.states(job_id)}")
        return str(self.book.job(job_id).state)
