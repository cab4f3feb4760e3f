"""A worker process, put together: runners for its services, heartbeat, reporter and relay around them."""

import secrets
import socket
import threading
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from os import getpid
from uuid import UUID

import dramatiq

from bureau.broker import HintBroker, MemoryBroker
from bureau.heartbeat import Heartbeat
from bureau.ledger.database import Database
from bureau.ledger.workers import NewWorker
from bureau.relay import Relay
from bureau.reporter import Reporter
from bureau.runner import Runner
from bureau.service import Service
from bureau.stopping import StopReason
from bureau.storage import Storage

LEASE_TIMEOUT_SECONDS = 5.0


class WorkerProcess:
    """The services of one process. `start`, then Dramatiq's worker calls the actors; `close`, then `stop`."""

    def __init__(
        self,
        services: Sequence[Service],
        *,
        broker: HintBroker | MemoryBroker,
        db: Database,
        storage: Storage,
        relay: Relay,
        threads: int,
    ) -> None:
        self._services = services
        self._relay = relay
        self._lease_db = db.with_timeout(LEASE_TIMEOUT_SECONDS)
        self._heartbeat = Heartbeat(self._lease_db)
        served = []
        self._runners: list[Runner] = []
        for service in services:
            worker = _worker(service, threads)
            tasks = {task.name: task for task in service.tasks}
            runner = Runner(
                service.name,
                worker.id,
                tasks,
                db=db,
                storage=storage,
                heartbeat=self._heartbeat,
                relay=relay,
                threads=threads,
            )
            served.append((worker, runner))
            self._runners.append(runner)
            for name in tasks:
                _declare(broker, runner, name)
        self._reporter = Reporter(self._lease_db, self._heartbeat, served)

    @property
    def heartbeat(self) -> Heartbeat:
        return self._heartbeat

    def start(self) -> None:
        """Announces the services and starts the loops. Raises `LedgerUnavailable`."""
        self._reporter.register()
        self._heartbeat.start()
        self._reporter.start()
        self._relay.start()
        self._relay.wake()

    def close(self, grace_seconds: float) -> None:
        """No new work; what still runs after the grace is asked to stop, and handed back."""
        for runner in self._runners:
            runner.close()
        timer = threading.Timer(grace_seconds, self._heartbeat.stop_all, [StopReason.SHUTDOWN])
        timer.daemon = True
        timer.start()

    def stop(self) -> None:
        """After the last task ended: says goodbye and ends the loops."""
        self._relay.stop()
        self._heartbeat.stop()
        self._reporter.stop()
        for service in self._services:
            service.close()
        self._lease_db.close()


def _declare(broker: HintBroker | MemoryBroker, runner: Runner, name: str) -> None:
    """One Dramatiq actor a task, of the same name, so that Dramatiq's logs and metrics speak in task names."""

    def execute(task_id: str) -> None:
        runner.execute(name, UUID(task_id))

    dramatiq.Actor(execute, broker=broker, actor_name=name, queue_name=runner.queue, priority=0, options={})


def _worker(service: Service, threads: int) -> NewWorker:
    host = socket.gethostname()
    return NewWorker(
        id=f"{service.name}-{host[:60]}-{secrets.token_hex(4)}",
        service=service.name,
        queue=service.name,
        version=_version(),
        host=host,
        pid=getpid(),
        threads=threads,
        catalog=service.catalog,
    )


def _version() -> str:
    try:
        return version("bureau")
    except PackageNotFoundError:  # run from a checkout
        return "dev"
