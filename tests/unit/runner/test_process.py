"""A whole worker process on the memory broker: it announces itself, works, stops, and hands back what it cannot end."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from dramatiq.worker import Worker

from bureau.contracts.jobs.states import When
from bureau.ledger.db.database import Database
from bureau.ledger.dispatch import announced as catalogs
from bureau.ledger.dispatch import hints, workers
from bureau.ledger.reads import job_queries
from bureau.messaging.broker import MemoryBroker
from bureau.messaging.relay import Relay
from bureau.runtime.worker_process import WorkerProcess
from bureau.service import Service
from bureau.storage import Storage
from bureau.task import Context, Task
from tests.support.ledger.book import Book, optional, task
from tests.support.waiting import until


class Plant:
    """Worker processes on one ledger, one after the other."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.db = db
        self.book = Book(db)
        self.ran: list[UUID] = []
        self.blocked = threading.Event()
        self.go_on = threading.Event()
        self._storage = Storage.from_url(f"file://{folder}/storage")
        self._stops: list[Any] = []

    def work(self, ctx: Context, fail: bool = False) -> int:
        self.ran.append(ctx.task_id)
        ctx.log("working")
        ctx.progress(1, 1)
        if fail:
            raise ValueError("asked to")
        return 1

    def block(self, ctx: Context) -> str:
        """Waits to be let go or stopped."""
        self.blocked.set()
        while not self.go_on.is_set():
            ctx.stop.wait(0.01)
        return "went on"

    def start(self, *, threads: int = 2, grace_seconds: float = 0.1) -> None:
        """As the embedded start does it: the messages of the process before this one are gone with it."""
        hints.forget_all(self.db)
        broker = MemoryBroker([])
        relay = Relay(self.db, broker, look_seconds=0.05)
        closed: list[str] = []
        service = Service(
            "shop", [Task("shop.work", self.work), Task("shop.block", self.block)], close=lambda: closed.append("shop")
        )
        process = WorkerProcess(
            [service],
            broker=broker,
            db=self.db,
            storage=self._storage,
            relay=relay,
            threads=threads,
            grace_seconds=grace_seconds,
            supervised=False,
        )
        worker = Worker(broker, worker_threads=threads, worker_timeout=20)
        worker.queue_prefetch = threads
        worker.start()
        process.start()

        def stop() -> None:
            process.close()
            worker.stop()
            process.stop()
            assert closed == ["shop"]

        self._stops.append(stop)

    def stop(self) -> None:
        if self._stops:
            self._stops.pop()()

    def wait_for_end(self, job_id: UUID) -> str:
        until(lambda: job_queries.ended(self.db, job_id), 20, lambda: f"the end of {self.book.states(job_id)}")
        return str(self.book.job(job_id).state)


@pytest.fixture
def plant(ledger: Database, tmp_path: Path) -> Iterator[Plant]:
    made = Plant(ledger, tmp_path)
    yield made
    made.go_on.set()
    made.stop()


def test_a_process_announces_itself_and_says_goodbye(plant: Plant) -> None:
    plant.start(threads=3)
    (row,) = workers.workers(plant.db)
    assert (row.service, row.queue, row.threads, row.live) == ("shop", "shop", 3, True)
    assert row.id.startswith("shop-")
    announced = catalogs.announced(plant.db)
    assert announced.workers_by_task == {"shop.block": 1, "shop.work": 1}
    plant.stop()
    assert [row.live for row in workers.workers(plant.db)] == [False]


def test_jobs_submitted_before_and_after_the_start_are_run(plant: Plant) -> None:
    before = plant.book.submit(task("a"), task("b", "a"))
    plant.start()
    after = plant.book.submit(*(task(f"t{n}") for n in range(30)))
    assert [plant.wait_for_end(job_id) for job_id in (before, after)] == ["succeeded", "succeeded"]
    assert len(plant.ran) == len(set(plant.ran)) == 32


def test_a_graph_with_failures_runs_to_its_end(plant: Plant) -> None:
    plant.start()
    job_id = plant.book.submit(
        task("a"),
        optional("b", "a"),
        task("c", "b"),
        task("d", "b c", when=When.ENDED),
    )
    plant.book.set(plant.book.task(job_id, "b").id, input={"fail": True}, max_attempts=1)
    assert plant.wait_for_end(job_id) == "succeeded"
    assert plant.book.states(job_id) == {"a": "succeeded", "b": "failed", "c": "skipped", "d": "succeeded"}


def test_a_task_that_outlasts_the_grace_is_released_and_runs_elsewhere(plant: Plant) -> None:
    plant.start()
    job_id = plant.book.submit(task(run="shop.block"))
    assert plant.blocked.wait(10)
    plant.stop()
    assert plant.book.task(job_id).state == "ready"
    assert plant.book.outcomes(job_id) == ["handed_back"]
    assert plant.book.task(job_id).failures == 0
    plant.go_on.set()
    plant.start()
    assert plant.wait_for_end(job_id) == "succeeded"
    assert plant.book.task(job_id).result == "went on"


def test_a_task_that_ends_within_the_grace_is_waited_for(plant: Plant) -> None:
    plant.start(grace_seconds=10)
    job_id = plant.book.submit(task(run="shop.block"))
    assert plant.blocked.wait(10)
    threading.Timer(0.1, plant.go_on.set).start()
    plant.stop()
    assert plant.book.job(job_id).state == "succeeded"


def test_hints_that_a_stopped_process_took_with_it_come_again(plant: Plant) -> None:
    plant.start(threads=1)
    blocked = plant.book.submit(task(run="shop.block"))
    assert plant.blocked.wait(10)
    waiting = plant.book.submit()
    until(lambda: plant.book.task(waiting).hinted_at is not None)
    plant.stop()
    plant.go_on.set()
    plant.start()
    assert [plant.wait_for_end(job_id) for job_id in (blocked, waiting)] == ["succeeded", "succeeded"]
