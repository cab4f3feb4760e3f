"""A worker process on the memory broker whose tasks are functions of a test, `def` or `async def`."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from dramatiq.worker import Worker
from sqlalchemy import select

from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import artifacts
from bureau.ledger.dispatch import hints
from bureau.ledger.reads import job_queries
from bureau.lifespans import Lifespan
from bureau.messaging.broker import MemoryBroker
from bureau.messaging.relay import Relay
from bureau.runtime.worker_process import WorkerProcess
from bureau.service import Service
from bureau.storage import Storage
from bureau.task import Task
from tests.support.ledger.book import Book, task
from tests.support.ledger.ledgers import sqlite_ledger
from tests.support.ledger.soundness import assert_sound
from tests.support.waiting import until


class Plant:
    """Worker processes on one ledger, one after the other, with the tasks `shop.<name of the function>`."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.db = db
        self.book = Book(db)
        self.storage = Storage.from_url(f"file://{folder}/storage")
        self.tasks: dict[str, Task[Any, Any]] = {}
        self._stops: list[Callable[[], None]] = []

    def serve(self, *functions: Callable[..., Any], **policy: Any) -> None:
        for function in functions:
            name = f"shop.{function.__name__}"
            self.tasks[name] = Task(name, function, **policy)

    def start(
        self,
        *,
        threads: int = 2,
        concurrency: int = 50,
        grace_seconds: float = 0.1,
        look_seconds: float = 0.05,
        lifespans: Sequence[Lifespan[Any]] = (),
    ) -> WorkerProcess:
        """The relay looks at the ledger when it starts, when it is woken, and every `look_seconds`."""
        hints.forget_all(self.book.db)
        broker = MemoryBroker([])
        process = WorkerProcess(
            [Service("shop", list(self.tasks.values()), lifespans=lifespans)],
            broker=broker,
            db=self.db,
            storage=self.storage,
            relay=Relay(self.book.db, broker, look_seconds=look_seconds),
            threads=threads,
            concurrency=concurrency,
            grace_seconds=grace_seconds,
            supervised=False,
        )
        worker = Worker(broker, worker_threads=threads, worker_timeout=20)
        worker.queue_prefetch = process.prefetch
        worker.start()
        process.start()

        def stop() -> None:
            process.close()
            worker.stop()
            process.stop()

        self._stops.append(stop)
        return process

    def stop(self) -> None:
        if self._stops:
            self._stops.pop()()

    def submit(self, function: Callable[..., Any], times: int = 1, **data: Any) -> UUID:
        """A job of this task, so many times beside each other, with the policy that it announces."""
        run = f"shop.{function.__name__}"
        about = self.tasks[run].description
        terms: dict[str, Any] = {
            "run": run,
            "input": data,
            "retry": about.retry,
            "time_limit_seconds": about.time_limit_seconds,
        }
        names = ["only"] if times == 1 else [f"t{n}" for n in range(times)]
        return self.book.submit(*(task(name, **terms) for name in names))

    def run(self, function: Callable[..., Any], **data: Any) -> Any:
        """Serves only this function and returns the row of its task after the end."""
        self.serve(function)
        self.start()
        job_id = self.submit(function, **data)
        self.wait_for_end(job_id)
        return self.book.task(job_id)

    def files(self, job_id: UUID) -> list[str]:
        """The names of the job's files."""
        with self.db.read() as connection:
            return sorted(connection.scalars(select(artifacts.c.name).where(artifacts.c.job_id == job_id)))

    def wait_for_end(self, job_id: UUID, seconds: float = 60) -> str:
        until(lambda: job_queries.ended(self.db, job_id), seconds, lambda: f"the end of {self.book.states(job_id)}")
        return str(self.book.job(job_id).state)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Database]:
    db = sqlite_ledger(tmp_path)
    yield db
    assert_sound(db)
    db.close()


@pytest.fixture
def plant(ledger: Database, tmp_path: Path) -> Iterator[Plant]:
    made = Plant(ledger, tmp_path)
    yield made
    made.stop()
