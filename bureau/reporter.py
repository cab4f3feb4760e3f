"""The reporter: writes what running tasks say (log lines, progress) and keeps the worker's rows alive, in batches."""

import time
from collections import defaultdict
from uuid import UUID

from bureau.execution import Execution
from bureau.heartbeat import Heartbeat
from bureau.ledger import running, workers
from bureau.ledger.database import Database
from bureau.ledger.events import Event
from bureau.ledger.workers import NewWorker
from bureau.loop import Loop
from bureau.runner import Runner

WRITE_SECONDS = 0.5
SEEN_SECONDS = 10.0


class Reporter:
    """One a process; a runner and a worker row for each queue the process serves."""

    def __init__(self, db: Database, heartbeat: Heartbeat, served: list[tuple[NewWorker, Runner]]) -> None:
        self._db = db
        self._heartbeat = heartbeat
        self._served = served
        self._next_seen = 0.0
        self._loop = Loop("reporter", self._report)
        self.start, self.wrong = self._loop.start, self._loop.wrong

    def register(self) -> None:
        """Announces the process. Raises `LedgerUnavailable`."""
        for worker, _ in self._served:
            workers.register(self._db, worker)

    def stop(self) -> None:
        self._loop.stop()
        workers.stopped(self._db, [worker.id for worker, _ in self._served])

    def _report(self) -> float:
        executions = self._heartbeat.executions()
        self._write_lines(executions)
        progress = {execution.held: last for execution in executions if (last := execution.new_progress())}
        running.write_progress(self._db, progress)
        if time.monotonic() >= self._next_seen:
            self._say_alive()
            self._next_seen = time.monotonic() + SEEN_SECONDS
        return WRITE_SECONDS

    def _write_lines(self, executions: list[Execution]) -> None:
        taken = [(execution, execution.take_lines()) for execution in executions]
        by_job: dict[UUID, list[Event]] = defaultdict(list)
        for execution, lines in taken:
            if lines:
                by_job[execution.job_id] += lines
        try:
            running.write_events(self._db, by_job)
        except BaseException:
            for execution, lines in taken:
                execution.give_back_lines(lines)
            raise

    def _say_alive(self) -> None:
        for worker, runner in self._served:
            if not workers.seen(self._db, worker.id, busy=runner.busy, claimed=runner.claimed_lately()):
                workers.register(self._db, worker)
