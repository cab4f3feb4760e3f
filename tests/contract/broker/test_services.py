"""Several services and queues in one worker process: they share its threads, and a task may be on several queues."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from dramatiq.middleware import CurrentMessage
from dramatiq.worker import Worker

from bureau.ledger.db.database import Database
from bureau.ledger.dispatch import queues
from bureau.ledger.reads import job_queries
from bureau.messaging.broker import HintBroker, MemoryBroker
from bureau.messaging.relay import Relay
from bureau.runtime.worker_process import WorkerProcess
from bureau.service import Service
from bureau.storage import Storage
from bureau.task import Context, Task
from tests.contract.broker.conftest import Brokers
from tests.contract.broker.station import THREADS, WORKER_TIMEOUT_MS
from tests.support.ledger.book import Book, task
from tests.support.waiting import until


class Mall:
    """A worker process of two services, as `boot` puts it together."""

    def __init__(self, broker: HintBroker | MemoryBroker, queue: str, db: Database, folder: Path) -> None:
        self.queues = (f"{queue}a", f"{queue}b")
        self.book = Book(db)
        self.at_work = self.most = 0
        self.go_on = threading.Event()
        self._counting = threading.Lock()
        self.process = WorkerProcess(
            [Service(name, self.tasks(name)) for name in self.queues],
            broker=broker,
            db=db,
            storage=Storage.from_url(f"file://{folder}/storage"),
            relay=Relay(db, broker, look_seconds=0.1),
            threads=THREADS,
            one_pool=True,
            grace_seconds=5.0,
            supervised=False,
        )
        self.worker = Worker(broker, worker_threads=THREADS, worker_timeout=WORKER_TIMEOUT_MS)
        self.worker.queue_prefetch = self.process.prefetch

    def tasks(self, name: str) -> list[Task[Any, Any]]:
        """Its own task, and two that all queues have."""
        return [Task(f"{name}.work", self._work), Task("both.work", self._work), Task("both.later", self._later)]

    async def _later(self, ctx: Context) -> str:
        await ctx.sleep(0.01)
        return "later"

    def _work(self, ctx: Context, waits: bool = False) -> str:
        with self._counting:
            self.at_work += 1
            self.most = max(self.most, self.at_work)
        while waits and not self.go_on.is_set():
            ctx.stop.wait(0.01)
        with self._counting:
            self.at_work -= 1
        return "done"

    def submit(self, queue: str, *, waits: bool = False, run: str = "") -> UUID:
        return self.book.submit(task(run=run or f"{queue}.work", queue=queue, input={"waits": waits} if waits else {}))

    def ended(self, *jobs: UUID) -> bool:
        return all(job_queries.ended(self.book.db, job) for job in jobs)


@pytest.fixture
def mall(broker_url: str, a_broker: Brokers, queue: str, ledger: Database, tmp_path: Path) -> Iterator[Mall]:
    broker = a_broker(broker_url)
    broker.add_middleware(CurrentMessage())  # as every process has it
    made = Mall(broker, queue, ledger, tmp_path)
    made.process.start()
    made.worker.start()
    yield made
    made.go_on.set()
    made.process.close()
    made.worker.stop()
    made.process.stop()


def test_the_services_of_a_process_share_its_threads(mall: Mall) -> None:
    held = [mall.submit(queue, waits=True) for queue in mall.queues for _ in range(THREADS)]
    until(lambda: mall.at_work == THREADS, 30)
    runners = mall.process._runners
    assert [runner.pace.free for runner in runners] == [0, 0]  # whichever queue the tasks are of
    assert [runner.pace.spare for runner in runners] == [False, False]
    assert sum(runner.pace.busy for runner in runners) == THREADS
    mall.go_on.set()
    until(lambda: mall.ended(*held), 60)
    assert mall.most == THREADS
    assert [runner.pace.free for runner in runners] == [THREADS, THREADS]


def test_each_service_of_a_process_serves_its_queue(mall: Mall) -> None:
    jobs = [mall.submit(queue) for queue in mall.queues for _ in range(3)]
    until(lambda: mall.ended(*jobs), 60)
    assert {mall.book.job(job).state for job in jobs} == {"succeeded"}


def test_a_task_is_run_on_each_queue_that_serves_it(mall: Mall) -> None:
    jobs = [mall.submit(queue, run=run) for queue in mall.queues for run in ("both.work", "both.later")]
    until(lambda: mall.ended(*jobs), 60)
    assert [mall.book.task(job).result for job in jobs] == ["done", "later"] * 2
    assert [mall.book.task(job).worker.partition("-")[0] for job in jobs] == [
        queue for queue in mall.queues for _ in range(2)
    ]


def test_a_paused_queue_holds_its_tasks_and_not_those_of_the_other(mall: Mall) -> None:
    first, second = mall.queues
    queues.pause(mall.book.db, first)
    held = [mall.submit(first, run=run) for run in ("both.work", "both.later")]
    others = [mall.submit(second, run=run) for run in ("both.work", "both.later")]
    until(lambda: mall.ended(*others), 60)
    assert not any(mall.ended(job) for job in held)
    queues.resume(mall.book.db, first)
    until(lambda: mall.ended(*held), 60)
