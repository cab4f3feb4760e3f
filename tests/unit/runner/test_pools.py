"""Each queue of a process has threads of its own: one whose tasks take long keeps no other waiting."""

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from bureau.ledger.db.database import Database
from bureau.ledger.reads import job_queries
from bureau.messaging.broker import MemoryBroker
from bureau.messaging.queue_pools import PooledWorker
from bureau.messaging.relay import Relay
from bureau.runtime.worker_process import WorkerProcess
from bureau.service import Service
from bureau.storage import Storage
from bureau.task import Context, Task
from tests.support.ledger.book import Book, task
from tests.support.waiting import until

THREADS = 4


class Plant:
    """A process with two services, one of which is slow."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.book = Book(db)
        self.go_on = threading.Event()
        self.at_work = self.most = 0
        self._counting = threading.Lock()
        broker = MemoryBroker([])
        self._process = WorkerProcess(
            [Service("slow", [Task("slow.wait", self.wait)]), Service("quick", [Task("quick.work", self.work)])],
            broker=broker,
            db=db,
            storage=Storage.from_url(f"file://{folder}/storage"),
            relay=Relay(db, broker, look_seconds=0.05),
            threads=THREADS,
            grace_seconds=1.0,
            supervised=False,
        )
        self.worker = PooledWorker(broker, threads=THREADS, worker_timeout=20)

    def wait(self, ctx: Context) -> None:
        with self._counting:
            self.at_work += 1
            self.most = max(self.most, self.at_work)
        while not self.go_on.is_set():
            ctx.stop.wait(0.01)
        with self._counting:
            self.at_work -= 1

    def work(self, ctx: Context) -> str:
        ctx.log("at once")
        return "done"

    def is_done(self, job_id: UUID) -> bool:
        """Returns whether the job has ended, and the threads of the quick queue wait for the next."""
        queue = self.worker.consumers["quick"].work_queue
        return job_queries.ended(self.book.db, job_id) and queue.unfinished_tasks == 0

    def start(self) -> None:
        self.worker.start()
        self._process.start()

    def stop(self) -> None:
        self.go_on.set()
        self._process.close()
        self.worker.stop(60_000)
        self._process.stop()


@pytest.fixture
def plant(ledger: Database, tmp_path: Path) -> Iterator[Plant]:
    made = Plant(ledger, tmp_path)
    made.start()
    yield made
    made.stop()


def test_a_slow_queue_keeps_no_other_waiting(plant: Plant) -> None:
    slow = plant.book.submit(*(task(f"t{n}", run="slow.wait", queue="slow") for n in range(3 * THREADS)))
    until(lambda: plant.at_work == THREADS, 30)
    quick = plant.book.submit(task(run="quick.work", queue="quick"))
    until(lambda: job_queries.ended(plant.book.db, quick), 30)
    assert plant.book.task(quick).result == "done"
    assert plant.at_work == THREADS
    plant.go_on.set()
    until(lambda: job_queries.ended(plant.book.db, slow), 30)
    assert plant.book.job(slow).state == "succeeded"
    assert plant.most == THREADS


def test_threads_start_when_they_are_needed(plant: Plant) -> None:
    assert plant.worker.workers == []
    for _ in range(5):
        job_id = plant.book.submit(task(run="quick.work", queue="quick"))
        until(partial(plant.is_done, job_id), 30)
    assert len(plant.worker.workers) == 1


def test_a_worker_that_stops_starts_no_thread_any_more(plant: Plant) -> None:
    plant.stop()
    before = len(plant.worker.workers)
    consumer = plant.worker.consumers["quick"]
    assert consumer.work_queue._add_thread(consumer.work_queue) is False  # type: ignore[attr-defined]
    assert len(plant.worker.workers) == before
